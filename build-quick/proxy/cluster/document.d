build-quick/proxy/cluster/document.o: proxy/cluster/document.c \
 proxy/cluster/document.h
proxy/cluster/document.h:
