build-quick/proxy/cli/verify_compare.o: proxy/cli/verify_compare.c \
 proxy/cli/verify.h
proxy/cli/verify.h:
