build-quick/proxy/record/sink.o: proxy/record/sink.c proxy/record/sink.h \
 proxy/base/text.h include/result.h proxy/base/clock.h proxy/base/log.h
proxy/record/sink.h:
proxy/base/text.h:
include/result.h:
proxy/base/clock.h:
proxy/base/log.h:
