build-quick/proxy/base/mailbox.o: proxy/base/mailbox.c \
 proxy/base/mailbox.h
proxy/base/mailbox.h:
