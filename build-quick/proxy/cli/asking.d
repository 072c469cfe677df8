build-quick/proxy/cli/asking.o: proxy/cli/asking.c proxy/cli/asking.h \
 proxy/cli/node_client.h proxy/base/text.h include/result.h \
 proxy/cli/options.h include/tbl/subcommands.h proxy/cli/cli.h \
 proxy/cli/service.h proxy/config/config.h proxy/base/addr.h \
 proxy/base/log.h include/vocab.h include/tbl/member_states.h \
 include/tbl/events.h include/tbl/reasons.h include/tbl/causes.h \
 include/tbl/tag_rejections.h include/tbl/ticket_rejections.h \
 include/tbl/race_counts.h include/tbl/race_silences.h \
 proxy/config/small_file.h
proxy/cli/asking.h:
proxy/cli/node_client.h:
proxy/base/text.h:
include/result.h:
proxy/cli/options.h:
include/tbl/subcommands.h:
proxy/cli/cli.h:
proxy/cli/service.h:
proxy/config/config.h:
proxy/base/addr.h:
proxy/base/log.h:
include/vocab.h:
include/tbl/member_states.h:
include/tbl/events.h:
include/tbl/reasons.h:
include/tbl/causes.h:
include/tbl/tag_rejections.h:
include/tbl/ticket_rejections.h:
include/tbl/race_counts.h:
include/tbl/race_silences.h:
proxy/config/small_file.h:
