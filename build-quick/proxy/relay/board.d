build-quick/proxy/relay/board.o: proxy/relay/board.c proxy/relay/board.h \
 include/vocab.h include/tbl/member_states.h include/tbl/events.h \
 include/tbl/reasons.h include/tbl/causes.h include/tbl/tag_rejections.h \
 include/tbl/ticket_rejections.h include/tbl/race_counts.h \
 include/tbl/race_silences.h
proxy/relay/board.h:
include/vocab.h:
include/tbl/member_states.h:
include/tbl/events.h:
include/tbl/reasons.h:
include/tbl/causes.h:
include/tbl/tag_rejections.h:
include/tbl/ticket_rejections.h:
include/tbl/race_counts.h:
include/tbl/race_silences.h:
