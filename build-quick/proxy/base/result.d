build-quick/proxy/base/result.o: proxy/base/result.c include/result.h
include/result.h:
