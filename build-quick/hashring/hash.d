build-quick/hashring/hash.o: hashring/hash.c hashring/order.h \
 include/hashring.h
hashring/order.h:
include/hashring.h:
