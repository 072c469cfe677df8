build-quick/proxy/base/addr.o: proxy/base/addr.c proxy/base/addr.h \
 proxy/base/text.h include/result.h
proxy/base/addr.h:
proxy/base/text.h:
include/result.h:
