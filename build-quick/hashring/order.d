build-quick/hashring/order.o: hashring/order.c hashring/standing.h \
 hashring/order.h include/hashring.h
hashring/standing.h:
hashring/order.h:
include/hashring.h:
