build-quick/proxy/cli/explain.o: proxy/cli/explain.c proxy/cli/cli.h \
 include/tbl/subcommands.h proxy/cli/explain_answer.h \
 proxy/route/explain.h proxy/config/config.h proxy/base/addr.h \
 proxy/base/text.h include/result.h proxy/base/log.h include/vocab.h \
 include/tbl/member_states.h include/tbl/events.h include/tbl/reasons.h \
 include/tbl/causes.h include/tbl/tag_rejections.h \
 include/tbl/ticket_rejections.h include/tbl/race_counts.h \
 include/tbl/race_silences.h proxy/members/view.h include/hashring.h \
 proxy/members/member.h proxy/members/history.h proxy/members/places.h \
 proxy/members/verdict.h proxy/members/weight.h proxy/route/plan.h \
 proxy/cli/key_lines.h proxy/cli/options.h proxy/cli/service.h
proxy/cli/cli.h:
include/tbl/subcommands.h:
proxy/cli/explain_answer.h:
proxy/route/explain.h:
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
proxy/members/view.h:
include/hashring.h:
proxy/members/member.h:
proxy/members/history.h:
proxy/members/places.h:
proxy/members/verdict.h:
proxy/members/weight.h:
proxy/route/plan.h:
proxy/cli/key_lines.h:
proxy/cli/options.h:
proxy/cli/service.h:
