build-quick/hashring/scan.o: hashring/scan.c hashring/order.h \
 include/hashring.h
hashring/order.h:
include/hashring.h:
