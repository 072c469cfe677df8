build-quick/proxy/cli/compare_print.o: proxy/cli/compare_print.c \
 proxy/cli/compare.h proxy/cli/change.h proxy/config/config.h \
 proxy/base/addr.h proxy/base/text.h include/result.h proxy/base/log.h \
 include/vocab.h include/tbl/member_states.h include/tbl/events.h \
 include/tbl/reasons.h include/tbl/causes.h include/tbl/tag_rejections.h \
 include/tbl/ticket_rejections.h include/tbl/race_counts.h \
 include/tbl/race_silences.h proxy/cli/expected.h \
 proxy/cli/explain_answer.h proxy/route/explain.h proxy/members/view.h \
 include/hashring.h proxy/members/member.h proxy/members/history.h \
 proxy/members/places.h proxy/members/verdict.h proxy/members/weight.h \
 proxy/route/plan.h proxy/cli/moves.h
proxy/cli/compare.h:
proxy/cli/change.h:
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
proxy/cli/expected.h:
proxy/cli/explain_answer.h:
proxy/route/explain.h:
proxy/members/view.h:
include/hashring.h:
proxy/members/member.h:
proxy/members/history.h:
proxy/members/places.h:
proxy/members/verdict.h:
proxy/members/weight.h:
proxy/route/plan.h:
proxy/cli/moves.h:
