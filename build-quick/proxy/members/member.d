build-quick/proxy/members/member.o: proxy/members/member.c \
 proxy/members/member.h proxy/base/addr.h proxy/base/text.h \
 include/result.h proxy/members/history.h include/vocab.h \
 include/tbl/member_states.h include/tbl/events.h include/tbl/reasons.h \
 include/tbl/causes.h include/tbl/tag_rejections.h \
 include/tbl/ticket_rejections.h include/tbl/race_counts.h \
 include/tbl/race_silences.h proxy/members/places.h \
 proxy/members/verdict.h proxy/members/weight.h
proxy/members/member.h:
proxy/base/addr.h:
proxy/base/text.h:
include/result.h:
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
