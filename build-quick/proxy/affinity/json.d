build-quick/proxy/affinity/json.o: proxy/affinity/json.c \
 proxy/affinity/json.h proxy/base/text.h include/result.h
proxy/affinity/json.h:
proxy/base/text.h:
include/result.h:
