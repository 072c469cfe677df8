build-quick/proxy/tls/certificate.o: proxy/tls/certificate.c \
 proxy/tls/certificate.h include/result.h
proxy/tls/certificate.h:
include/result.h:
