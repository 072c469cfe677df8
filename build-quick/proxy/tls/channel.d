build-quick/proxy/tls/channel.o: proxy/tls/channel.c proxy/tls/channel.h \
 proxy/tls/facts.h proxy/base/text.h include/result.h proxy/tls/context.h \
 proxy/tls/certificate.h proxy/tls/identity.h
proxy/tls/channel.h:
proxy/tls/facts.h:
proxy/base/text.h:
include/result.h:
proxy/tls/context.h:
proxy/tls/certificate.h:
proxy/tls/identity.h:
