build-quick/proxy/cluster/ticket.o: proxy/cluster/ticket.c \
 proxy/cluster/ticket.h proxy/base/addr.h proxy/base/text.h \
 include/result.h include/vocab.h include/tbl/member_states.h \
 include/tbl/events.h include/tbl/reasons.h include/tbl/causes.h \
 include/tbl/tag_rejections.h include/tbl/ticket_rejections.h \
 include/tbl/race_counts.h include/tbl/race_silences.h \
 proxy/cluster/bigendian.h proxy/base/digest.h
proxy/cluster/ticket.h:
proxy/base/addr.h:
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
proxy/cluster/bigendian.h:
proxy/base/digest.h:
