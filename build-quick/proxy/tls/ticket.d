build-quick/proxy/tls/ticket.o: proxy/tls/ticket.c proxy/tls/ticket.h
proxy/tls/ticket.h:
