build-quick/proxy/record/access.o: proxy/record/access.c \
 proxy/record/access.h proxy/base/addr.h proxy/base/text.h \
 include/result.h proxy/record/sink.h include/vocab.h \
 include/tbl/member_states.h include/tbl/events.h include/tbl/reasons.h \
 include/tbl/causes.h include/tbl/tag_rejections.h \
 include/tbl/ticket_rejections.h include/tbl/race_counts.h \
 include/tbl/race_silences.h proxy/base/clock.h
proxy/record/access.h:
proxy/base/addr.h:
proxy/base/text.h:
include/result.h:
proxy/record/sink.h:
include/vocab.h:
include/tbl/member_states.h:
include/tbl/events.h:
include/tbl/reasons.h:
include/tbl/causes.h:
include/tbl/tag_rejections.h:
include/tbl/ticket_rejections.h:
include/tbl/race_counts.h:
include/tbl/race_silences.h:
proxy/base/clock.h:
