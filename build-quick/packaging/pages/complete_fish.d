build-quick/packaging/pages/complete_fish.o: \
 packaging/pages/complete_fish.c packaging/pages/pages.h \
 packaging/pages/words.h
packaging/pages/pages.h:
packaging/pages/words.h:
