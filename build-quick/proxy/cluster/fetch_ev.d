build-quick/proxy/cluster/fetch_ev.o: proxy/cluster/fetch_ev.c \
 proxy/cluster/fetch_ev.h proxy/affinity/hop.h proxy/base/addr.h \
 proxy/base/text.h include/result.h proxy/config/config.h \
 proxy/base/log.h include/vocab.h include/tbl/member_states.h \
 include/tbl/events.h include/tbl/reasons.h include/tbl/causes.h \
 include/tbl/tag_rejections.h include/tbl/ticket_rejections.h \
 include/tbl/race_counts.h include/tbl/race_silences.h proxy/http/head.h \
 include/tbl/fields.h proxy/cluster/document.h proxy/base/clock.h \
 proxy/http/parse.h
proxy/cluster/fetch_ev.h:
proxy/affinity/hop.h:
proxy/base/addr.h:
proxy/base/text.h:
include/result.h:
proxy/config/config.h:
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
proxy/http/head.h:
include/tbl/fields.h:
proxy/cluster/document.h:
proxy/base/clock.h:
proxy/http/parse.h:
