build-quick/proxy/config/tls.o: proxy/config/tls.c proxy/config/loading.h \
 proxy/config/config.h proxy/base/addr.h proxy/base/text.h \
 include/result.h proxy/base/log.h include/vocab.h \
 include/tbl/member_states.h include/tbl/events.h include/tbl/reasons.h \
 include/tbl/causes.h include/tbl/tag_rejections.h \
 include/tbl/ticket_rejections.h include/tbl/race_counts.h \
 include/tbl/race_silences.h proxy/base/clock.h proxy/tls/certificate.h \
 proxy/tls/ticket.h
proxy/config/loading.h:
proxy/config/config.h:
proxy/base/addr.h:
proxy/base/text.h:
include/result.h:
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
proxy/base/clock.h:
proxy/tls/certificate.h:
proxy/tls/ticket.h:
