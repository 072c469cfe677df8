build-quick/hashring/survey.o: hashring/survey.c hashring/order.h \
 include/hashring.h
hashring/order.h:
include/hashring.h:
