build-quick/proxy/edge/pace.o: proxy/edge/pace.c proxy/edge/pace.h
proxy/edge/pace.h:
