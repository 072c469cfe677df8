build-quick/proxy/relay/body_queue.o: proxy/relay/body_queue.c \
 proxy/relay/body_queue.h proxy/base/buf.h
proxy/relay/body_queue.h:
proxy/base/buf.h:
