build-quick/proxy/node/notify.o: proxy/node/notify.c proxy/node/notify.h \
 proxy/base/log.h proxy/base/text.h include/result.h
proxy/node/notify.h:
proxy/base/log.h:
proxy/base/text.h:
include/result.h:
