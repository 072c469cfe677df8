build-quick/proxy/route/entrance.o: proxy/route/entrance.c \
 proxy/route/entrance.h proxy/base/network.h proxy/base/addr.h \
 proxy/base/text.h include/result.h proxy/config/config.h \
 proxy/base/log.h include/vocab.h include/tbl/member_states.h \
 include/tbl/events.h include/tbl/reasons.h include/tbl/causes.h \
 include/tbl/tag_rejections.h include/tbl/ticket_rejections.h \
 include/tbl/race_counts.h include/tbl/race_silences.h \
 proxy/tls/context.h proxy/tls/certificate.h proxy/tls/channel.h \
 proxy/tls/facts.h
proxy/route/entrance.h:
proxy/base/network.h:
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
proxy/tls/context.h:
proxy/tls/certificate.h:
proxy/tls/channel.h:
proxy/tls/facts.h:
