build-quick/proxy/base/log.o: proxy/base/log.c proxy/base/log.h \
 proxy/base/clock.h proxy/base/text.h include/result.h
proxy/base/log.h:
proxy/base/clock.h:
proxy/base/text.h:
include/result.h:
