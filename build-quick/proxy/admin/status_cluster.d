build-quick/proxy/admin/status_cluster.o: proxy/admin/status_cluster.c \
 proxy/admin/status_cluster.h proxy/base/grow.h proxy/base/text.h \
 include/result.h proxy/admin/json_put.h
proxy/admin/status_cluster.h:
proxy/base/grow.h:
proxy/base/text.h:
include/result.h:
proxy/admin/json_put.h:
