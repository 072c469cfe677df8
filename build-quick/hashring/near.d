build-quick/hashring/near.o: hashring/near.c hashring/standing.h \
 hashring/order.h include/hashring.h
hashring/standing.h:
hashring/order.h:
include/hashring.h:
