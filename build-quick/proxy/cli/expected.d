build-quick/proxy/cli/expected.o: proxy/cli/expected.c \
 proxy/cli/expected.h include/result.h
proxy/cli/expected.h:
include/result.h:
