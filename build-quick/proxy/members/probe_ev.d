build-quick/proxy/members/probe_ev.o: proxy/members/probe_ev.c \
 proxy/members/probe_ev.h proxy/config/config.h proxy/base/addr.h \
 proxy/base/text.h include/result.h proxy/base/log.h include/vocab.h \
 include/tbl/member_states.h include/tbl/events.h include/tbl/reasons.h \
 include/tbl/causes.h include/tbl/tag_rejections.h \
 include/tbl/ticket_rejections.h include/tbl/race_counts.h \
 include/tbl/race_silences.h proxy/members/pool.h proxy/members/verdict.h \
 proxy/members/view.h include/hashring.h proxy/members/member.h \
 proxy/members/history.h proxy/members/places.h proxy/members/weight.h \
 proxy/base/clock.h proxy/base/digest.h proxy/members/probe.h \
 proxy/affinity/hop.h proxy/http/head.h include/tbl/fields.h \
 proxy/http/parse.h
proxy/members/probe_ev.h:
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
proxy/members/pool.h:
proxy/members/verdict.h:
proxy/members/view.h:
include/hashring.h:
proxy/members/member.h:
proxy/members/history.h:
proxy/members/places.h:
proxy/members/weight.h:
proxy/base/clock.h:
proxy/base/digest.h:
proxy/members/probe.h:
proxy/affinity/hop.h:
proxy/http/head.h:
include/tbl/fields.h:
proxy/http/parse.h:
