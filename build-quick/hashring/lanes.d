build-quick/hashring/lanes.o: hashring/lanes.c hashring/standing.h \
 hashring/order.h include/hashring.h
hashring/standing.h:
hashring/order.h:
include/hashring.h:
