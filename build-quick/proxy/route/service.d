build-quick/proxy/route/service.o: proxy/route/service.c \
 proxy/route/service.h proxy/affinity/hop.h proxy/base/addr.h \
 proxy/base/text.h include/result.h proxy/config/config.h \
 proxy/base/log.h include/vocab.h include/tbl/member_states.h \
 include/tbl/events.h include/tbl/reasons.h include/tbl/causes.h \
 include/tbl/tag_rejections.h include/tbl/ticket_rejections.h \
 include/tbl/race_counts.h include/tbl/race_silences.h proxy/http/head.h \
 include/tbl/fields.h proxy/affinity/session.h proxy/affinity/keyrule.h \
 proxy/affinity/suffix.h proxy/affinity/cookie.h proxy/http/forward.h \
 proxy/http/cache.h proxy/affinity/tag.h proxy/cluster/race_wire.h \
 proxy/cluster/datagram.h proxy/cluster/machine.h include/tbl/datagrams.h \
 include/tbl/datagram_drops.h proxy/cluster/ticket.h proxy/members/pool.h \
 proxy/members/verdict.h proxy/members/view.h include/hashring.h \
 proxy/members/member.h proxy/members/history.h proxy/members/places.h \
 proxy/members/weight.h proxy/record/tally.h proxy/route/entrance.h \
 proxy/base/network.h proxy/tls/context.h proxy/tls/certificate.h \
 proxy/tls/channel.h proxy/tls/facts.h proxy/route/match.h \
 proxy/route/plan.h proxy/route/rules.h
proxy/route/service.h:
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
proxy/affinity/session.h:
proxy/affinity/keyrule.h:
proxy/affinity/suffix.h:
proxy/affinity/cookie.h:
proxy/http/forward.h:
proxy/http/cache.h:
proxy/affinity/tag.h:
proxy/cluster/race_wire.h:
proxy/cluster/datagram.h:
proxy/cluster/machine.h:
include/tbl/datagrams.h:
include/tbl/datagram_drops.h:
proxy/cluster/ticket.h:
proxy/members/pool.h:
proxy/members/verdict.h:
proxy/members/view.h:
include/hashring.h:
proxy/members/member.h:
proxy/members/history.h:
proxy/members/places.h:
proxy/members/weight.h:
proxy/record/tally.h:
proxy/route/entrance.h:
proxy/base/network.h:
proxy/tls/context.h:
proxy/tls/certificate.h:
proxy/tls/channel.h:
proxy/tls/facts.h:
proxy/route/match.h:
proxy/route/plan.h:
proxy/route/rules.h:
