build-quick/proxy/base/text.o: proxy/base/text.c proxy/base/text.h \
 include/result.h
proxy/base/text.h:
include/result.h:
