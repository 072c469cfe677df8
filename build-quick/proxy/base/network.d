build-quick/proxy/base/network.o: proxy/base/network.c \
 proxy/base/network.h proxy/base/addr.h proxy/base/text.h \
 include/result.h
proxy/base/network.h:
proxy/base/addr.h:
proxy/base/text.h:
include/result.h:
