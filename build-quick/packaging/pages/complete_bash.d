build-quick/packaging/pages/complete_bash.o: \
 packaging/pages/complete_bash.c packaging/pages/pages.h \
 packaging/pages/words.h
packaging/pages/pages.h:
packaging/pages/words.h:
