build-quick/proxy/main.o: proxy/main.c proxy/cli/cli.h \
 include/tbl/subcommands.h proxy/cli/options.h include/result.h
proxy/cli/cli.h:
include/tbl/subcommands.h:
proxy/cli/options.h:
include/result.h:
