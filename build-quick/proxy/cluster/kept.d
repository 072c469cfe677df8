build-quick/proxy/cluster/kept.o: proxy/cluster/kept.c \
 proxy/cluster/kept.h proxy/cluster/document.h include/result.h \
 proxy/base/text.h
proxy/cluster/kept.h:
proxy/cluster/document.h:
include/result.h:
proxy/base/text.h:
