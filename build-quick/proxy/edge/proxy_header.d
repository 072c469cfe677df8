build-quick/proxy/edge/proxy_header.o: proxy/edge/proxy_header.c \
 proxy/edge/proxy_header.h proxy/base/addr.h proxy/base/text.h \
 include/result.h
proxy/edge/proxy_header.h:
proxy/base/addr.h:
proxy/base/text.h:
include/result.h:
