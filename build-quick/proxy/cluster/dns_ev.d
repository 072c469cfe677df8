build-quick/proxy/cluster/dns_ev.o: proxy/cluster/dns_ev.c \
 proxy/cluster/dns_ev.h proxy/cluster/dns.h proxy/base/addr.h \
 proxy/base/text.h include/result.h
proxy/cluster/dns_ev.h:
proxy/cluster/dns.h:
proxy/base/addr.h:
proxy/base/text.h:
include/result.h:
