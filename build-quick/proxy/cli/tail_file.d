build-quick/proxy/cli/tail_file.o: proxy/cli/tail_file.c \
 proxy/cli/tail_file.h proxy/base/text.h include/result.h \
 proxy/cli/tail_line.h include/vocab.h include/tbl/member_states.h \
 include/tbl/events.h include/tbl/reasons.h include/tbl/causes.h \
 include/tbl/tag_rejections.h include/tbl/ticket_rejections.h \
 include/tbl/race_counts.h include/tbl/race_silences.h
proxy/cli/tail_file.h:
proxy/base/text.h:
include/result.h:
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
