build-quick/hashring/ring.o: hashring/ring.c hashring/order.h \
 include/hashring.h
hashring/order.h:
include/hashring.h:
