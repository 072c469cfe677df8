build-quick/proxy/admin/status_json.o: proxy/admin/status_json.c \
 proxy/admin/status_json.h proxy/admin/status.h \
 proxy/admin/status_cluster.h proxy/base/grow.h proxy/base/text.h \
 include/result.h proxy/record/arrivals.h include/tbl/arrival_ends.h \
 proxy/record/tally.h include/vocab.h include/tbl/member_states.h \
 include/tbl/events.h include/tbl/reasons.h include/tbl/causes.h \
 include/tbl/tag_rejections.h include/tbl/ticket_rejections.h \
 include/tbl/race_counts.h include/tbl/race_silences.h \
 proxy/admin/json_put.h
proxy/admin/status_json.h:
proxy/admin/status.h:
proxy/admin/status_cluster.h:
proxy/base/grow.h:
proxy/base/text.h:
include/result.h:
proxy/record/arrivals.h:
include/tbl/arrival_ends.h:
proxy/record/tally.h:
include/vocab.h:
include/tbl/member_states.h:
include/tbl/events.h:
include/tbl/reasons.h:
include/tbl/causes.h:
include/tbl/tag_rejections.h:
include/tbl/ticket_rejections.h:
include/tbl/race_counts.h:
include/tbl/race_silences.h:
proxy/admin/json_put.h:
