build-quick/proxy/base/grow.o: proxy/base/grow.c proxy/base/grow.h \
 proxy/base/text.h include/result.h
proxy/base/grow.h:
proxy/base/text.h:
include/result.h:
