build-quick/hashring/logtable.o: hashring/logtable.c hashring/order.h \
 include/hashring.h
hashring/order.h:
include/hashring.h:
