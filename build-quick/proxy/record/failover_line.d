build-quick/proxy/record/failover_line.o: proxy/record/failover_line.c \
 proxy/record/failover_line.h proxy/base/text.h include/result.h \
 proxy/members/view.h proxy/base/addr.h include/hashring.h \
 proxy/members/member.h proxy/members/history.h include/vocab.h \
 include/tbl/member_states.h include/tbl/events.h include/tbl/reasons.h \
 include/tbl/causes.h include/tbl/tag_rejections.h \
 include/tbl/ticket_rejections.h include/tbl/race_counts.h \
 include/tbl/race_silences.h proxy/members/places.h \
 proxy/members/verdict.h proxy/members/weight.h proxy/record/outage.h \
 proxy/record/moved.h proxy/route/plan.h proxy/base/clock.h
proxy/record/failover_line.h:
proxy/base/text.h:
include/result.h:
proxy/members/view.h:
proxy/base/addr.h:
include/hashring.h:
proxy/members/member.h:
proxy/members/history.h:
include/vocab.h:
include/tbl/member_states.h:
include/tbl/events.h:
include/tbl/reasons.h:
include/tbl/causes.h:
include/tbl/tag_rejections.h:
include/tbl/ticket_rejections.h:
include/tbl/race_counts.h:
include/tbl/race_silences.h:
proxy/members/places.h:
proxy/members/verdict.h:
proxy/members/weight.h:
proxy/record/outage.h:
proxy/record/moved.h:
proxy/route/plan.h:
proxy/base/clock.h:
