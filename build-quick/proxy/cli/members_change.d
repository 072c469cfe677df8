build-quick/proxy/cli/members_change.o: proxy/cli/members_change.c \
 proxy/cli/members_change.h proxy/cli/asking.h proxy/cli/node_client.h \
 proxy/base/text.h include/result.h proxy/cli/options.h \
 include/tbl/subcommands.h
proxy/cli/members_change.h:
proxy/cli/asking.h:
proxy/cli/node_client.h:
proxy/base/text.h:
include/result.h:
proxy/cli/options.h:
include/tbl/subcommands.h:
