build-quick/proxy/admin/json_put.o: proxy/admin/json_put.c \
 proxy/admin/json_put.h proxy/base/grow.h proxy/base/text.h \
 include/result.h proxy/base/clock.h
proxy/admin/json_put.h:
proxy/base/grow.h:
proxy/base/text.h:
include/result.h:
proxy/base/clock.h:
