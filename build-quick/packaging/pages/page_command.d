build-quick/packaging/pages/page_command.o: \
 packaging/pages/page_command.c packaging/pages/pages.h \
 packaging/pages/roff.h packaging/pages/words.h include/tbl/subcommands.h
packaging/pages/pages.h:
packaging/pages/roff.h:
packaging/pages/words.h:
include/tbl/subcommands.h:
