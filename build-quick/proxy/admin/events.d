build-quick/proxy/admin/events.o: proxy/admin/events.c \
 proxy/admin/events.h proxy/base/text.h include/result.h
proxy/admin/events.h:
proxy/base/text.h:
include/result.h:
