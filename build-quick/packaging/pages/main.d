build-quick/packaging/pages/main.o: packaging/pages/main.c \
 packaging/pages/pages.h
packaging/pages/pages.h:
