build-quick/proxy/base/buf.o: proxy/base/buf.c proxy/base/buf.h
proxy/base/buf.h:
