build-quick/proxy/cli/steer.o: proxy/cli/steer.c proxy/cli/cli.h \
 include/tbl/subcommands.h proxy/cli/asking.h proxy/cli/node_client.h \
 proxy/base/text.h include/result.h proxy/cli/options.h
proxy/cli/cli.h:
include/tbl/subcommands.h:
proxy/cli/asking.h:
proxy/cli/node_client.h:
proxy/base/text.h:
include/result.h:
proxy/cli/options.h:
