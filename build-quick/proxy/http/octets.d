build-quick/proxy/http/octets.o: proxy/http/octets.c proxy/http/octets.h
proxy/http/octets.h:
