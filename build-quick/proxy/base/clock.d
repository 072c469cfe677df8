build-quick/proxy/base/clock.o: proxy/base/clock.c proxy/base/clock.h \
 proxy/base/text.h include/result.h
proxy/base/clock.h:
proxy/base/text.h:
include/result.h:
