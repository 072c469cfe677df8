build-quick/proxy/base/rates.o: proxy/base/rates.c proxy/base/rates.h \
 proxy/base/addr.h proxy/base/text.h include/result.h proxy/base/digest.h \
 include/vocab.h include/tbl/member_states.h include/tbl/events.h \
 include/tbl/reasons.h include/tbl/causes.h include/tbl/tag_rejections.h \
 include/tbl/ticket_rejections.h include/tbl/race_counts.h \
 include/tbl/race_silences.h
proxy/base/rates.h:
proxy/base/addr.h:
proxy/base/text.h:
include/result.h:
proxy/base/digest.h:
include/vocab.h:
include/tbl/member_states.h:
include/tbl/events.h:
include/tbl/reasons.h:
include/tbl/causes.h:
include/tbl/tag_rejections.h:
include/tbl/ticket_rejections.h:
include/tbl/race_counts.h:
include/tbl/race_silences.h:
