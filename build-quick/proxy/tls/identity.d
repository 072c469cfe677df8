build-quick/proxy/tls/identity.o: proxy/tls/identity.c \
 proxy/tls/identity.h proxy/tls/facts.h proxy/base/text.h \
 include/result.h
proxy/tls/identity.h:
proxy/tls/facts.h:
proxy/base/text.h:
include/result.h:
