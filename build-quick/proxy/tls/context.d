build-quick/proxy/tls/context.o: proxy/tls/context.c proxy/tls/context.h \
 proxy/tls/certificate.h include/result.h proxy/tls/channel.h \
 proxy/tls/facts.h proxy/base/text.h proxy/tls/identity.h \
 proxy/tls/ticket.h
proxy/tls/context.h:
proxy/tls/certificate.h:
include/result.h:
proxy/tls/channel.h:
proxy/tls/facts.h:
proxy/base/text.h:
proxy/tls/identity.h:
proxy/tls/ticket.h:
