build-quick/proxy/cluster/dns.o: proxy/cluster/dns.c proxy/cluster/dns.h \
 proxy/base/addr.h proxy/base/text.h include/result.h
proxy/cluster/dns.h:
proxy/base/addr.h:
proxy/base/text.h:
include/result.h:
