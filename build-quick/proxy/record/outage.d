build-quick/proxy/record/outage.o: proxy/record/outage.c \
 proxy/record/outage.h proxy/base/text.h include/result.h \
 proxy/record/moved.h include/vocab.h include/tbl/member_states.h \
 include/tbl/events.h include/tbl/reasons.h include/tbl/causes.h \
 include/tbl/tag_rejections.h include/tbl/ticket_rejections.h \
 include/tbl/race_counts.h include/tbl/race_silences.h
proxy/record/outage.h:
proxy/base/text.h:
include/result.h:
proxy/record/moved.h:
include/vocab.h:
include/tbl/member_states.h:
include/tbl/events.h:
include/tbl/reasons.h:
include/tbl/causes.h:
include/tbl/tag_rejections.h:
include/tbl/ticket_rejections.h:
include/tbl/race_counts.h:
include/tbl/race_silences.h:
