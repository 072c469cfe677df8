build-quick/tests/gate/alloc.o: tests/gate/alloc.c tests/gate/alloc.h
tests/gate/alloc.h:
