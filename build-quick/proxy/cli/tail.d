build-quick/proxy/cli/tail.o: proxy/cli/tail.c proxy/cli/cli.h \
 include/tbl/subcommands.h proxy/base/clock.h proxy/base/text.h \
 include/result.h proxy/cli/options.h proxy/cli/tail_file.h \
 proxy/cli/tail_line.h include/vocab.h include/tbl/member_states.h \
 include/tbl/events.h include/tbl/reasons.h include/tbl/causes.h \
 include/tbl/tag_rejections.h include/tbl/ticket_rejections.h \
 include/tbl/race_counts.h include/tbl/race_silences.h \
 proxy/config/config.h proxy/base/addr.h proxy/base/log.h
proxy/cli/cli.h:
include/tbl/subcommands.h:
proxy/base/clock.h:
proxy/base/text.h:
include/result.h:
proxy/cli/options.h:
proxy/cli/tail_file.h:
proxy/cli/tail_line.h:
include/vocab.h:
include/tbl/member_states.h:
include/tbl/events.h:
include/tbl/reasons.h:
include/tbl/causes.h:
include/tbl/tag_rejections.h:
include/tbl/ticket_rejections.h:
include/tbl/race_counts.h:
include/tbl/race_silences.h:
proxy/config/config.h:
proxy/base/addr.h:
proxy/base/log.h:
