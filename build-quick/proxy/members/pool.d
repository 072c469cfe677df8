build-quick/proxy/members/pool.o: proxy/members/pool.c \
 proxy/members/pool_inside.h proxy/members/pool.h proxy/members/verdict.h \
 include/vocab.h include/tbl/member_states.h include/tbl/events.h \
 include/tbl/reasons.h include/tbl/causes.h include/tbl/tag_rejections.h \
 include/tbl/ticket_rejections.h include/tbl/race_counts.h \
 include/tbl/race_silences.h proxy/members/view.h proxy/base/addr.h \
 proxy/base/text.h include/result.h include/hashring.h \
 proxy/members/member.h proxy/members/history.h proxy/members/places.h \
 proxy/members/weight.h proxy/config/config.h proxy/base/log.h
proxy/members/pool_inside.h:
proxy/members/pool.h:
proxy/members/verdict.h:
include/vocab.h:
include/tbl/member_states.h:
include/tbl/events.h:
include/tbl/reasons.h:
include/tbl/causes.h:
include/tbl/tag_rejections.h:
include/tbl/ticket_rejections.h:
include/tbl/race_counts.h:
include/tbl/race_silences.h:
proxy/members/view.h:
proxy/base/addr.h:
proxy/base/text.h:
include/result.h:
include/hashring.h:
proxy/members/member.h:
proxy/members/history.h:
proxy/members/places.h:
proxy/members/weight.h:
proxy/config/config.h:
proxy/base/log.h:
