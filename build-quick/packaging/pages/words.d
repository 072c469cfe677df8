build-quick/packaging/pages/words.o: packaging/pages/words.c \
 packaging/pages/words.h include/tbl/subcommands.h include/tbl/events.h
packaging/pages/words.h:
include/tbl/subcommands.h:
include/tbl/events.h:
