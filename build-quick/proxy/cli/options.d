build-quick/proxy/cli/options.o: proxy/cli/options.c proxy/cli/options.h \
 include/result.h include/tbl/subcommands.h proxy/base/text.h \
 proxy/cli/cli.h
proxy/cli/options.h:
include/result.h:
include/tbl/subcommands.h:
proxy/base/text.h:
proxy/cli/cli.h:
