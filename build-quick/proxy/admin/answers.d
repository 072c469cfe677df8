build-quick/proxy/admin/answers.o: proxy/admin/answers.c \
 proxy/admin/answers.h proxy/admin/face.h proxy/admin/guard.h \
 proxy/http/head.h proxy/base/text.h include/result.h include/vocab.h \
 include/tbl/member_states.h include/tbl/events.h include/tbl/reasons.h \
 include/tbl/causes.h include/tbl/tag_rejections.h \
 include/tbl/ticket_rejections.h include/tbl/race_counts.h \
 include/tbl/race_silences.h include/tbl/fields.h \
 proxy/admin/membership.h proxy/admin/routes.h include/tbl/admin_routes.h \
 proxy/cluster/epoch.h proxy/cluster/election.h proxy/cluster/delays.h \
 proxy/cluster/body.h proxy/cluster/machine.h proxy/base/addr.h \
 include/tbl/datagrams.h proxy/cluster/engine.h proxy/cluster/document.h \
 proxy/cluster/lease.h proxy/cluster/role.h include/tbl/lease_refusals.h \
 proxy/cluster/register_image.h proxy/admin/status.h \
 proxy/admin/status_cluster.h proxy/base/grow.h proxy/record/arrivals.h \
 include/tbl/arrival_ends.h proxy/record/tally.h proxy/admin/metrics.h \
 proxy/admin/page.h proxy/admin/status_json.h proxy/base/digest.h \
 proxy/base/log.h
proxy/admin/answers.h:
proxy/admin/face.h:
proxy/admin/guard.h:
proxy/http/head.h:
proxy/base/text.h:
include/result.h:
include/vocab.h:
include/tbl/member_states.h:
include/tbl/events.h:
include/tbl/reasons.h:
include/tbl/causes.h:
include/tbl/tag_rejections.h:
include/tbl/ticket_rejections.h:
include/tbl/race_counts.h:
include/tbl/race_silences.h:
include/tbl/fields.h:
proxy/admin/membership.h:
proxy/admin/routes.h:
include/tbl/admin_routes.h:
proxy/cluster/epoch.h:
proxy/cluster/election.h:
proxy/cluster/delays.h:
proxy/cluster/body.h:
proxy/cluster/machine.h:
proxy/base/addr.h:
include/tbl/datagrams.h:
proxy/cluster/engine.h:
proxy/cluster/document.h:
proxy/cluster/lease.h:
proxy/cluster/role.h:
include/tbl/lease_refusals.h:
proxy/cluster/register_image.h:
proxy/admin/status.h:
proxy/admin/status_cluster.h:
proxy/base/grow.h:
proxy/record/arrivals.h:
include/tbl/arrival_ends.h:
proxy/record/tally.h:
proxy/admin/metrics.h:
proxy/admin/page.h:
proxy/admin/status_json.h:
proxy/base/digest.h:
proxy/base/log.h:
