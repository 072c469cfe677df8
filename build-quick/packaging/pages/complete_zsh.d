build-quick/packaging/pages/complete_zsh.o: \
 packaging/pages/complete_zsh.c packaging/pages/pages.h \
 packaging/pages/words.h
packaging/pages/pages.h:
packaging/pages/words.h:
