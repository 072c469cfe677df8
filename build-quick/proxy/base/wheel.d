build-quick/proxy/base/wheel.o: proxy/base/wheel.c proxy/base/wheel.h
proxy/base/wheel.h:
