build-quick/proxy/affinity/credentials.o: proxy/affinity/credentials.c \
 proxy/affinity/credentials.h proxy/base/text.h include/result.h \
 include/vocab.h include/tbl/member_states.h include/tbl/events.h \
 include/tbl/reasons.h include/tbl/causes.h include/tbl/tag_rejections.h \
 include/tbl/ticket_rejections.h include/tbl/race_counts.h \
 include/tbl/race_silences.h proxy/affinity/json.h
proxy/affinity/credentials.h:
proxy/base/text.h:
include/result.h:
include/vocab.h:
include/tbl/member_states.h:
include/tbl/events.h:
include/tbl/reasons.h:
include/tbl/causes.h:
include/tbl/tag_rejections.h:
include/tbl/ticket_rejections.h:
include/tbl/race_counts.h:
include/tbl/race_silences.h:
proxy/affinity/json.h:
