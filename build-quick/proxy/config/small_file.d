build-quick/proxy/config/small_file.o: proxy/config/small_file.c \
 proxy/config/small_file.h proxy/base/text.h include/result.h
proxy/config/small_file.h:
proxy/base/text.h:
include/result.h:
