build-quick/tests/faults/alloc_run.o: tests/faults/alloc_run.c \
 tests/gate/alloc.h
tests/gate/alloc.h:
