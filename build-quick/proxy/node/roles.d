build-quick/proxy/node/roles.o: proxy/node/roles.c proxy/node/roles.h \
 proxy/admin/face.h proxy/admin/guard.h proxy/http/head.h \
 proxy/base/text.h include/result.h include/vocab.h \
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
 include/tbl/arrival_ends.h proxy/record/tally.h proxy/node/cluster.h \
 proxy/cluster/cluster_ev.h proxy/cluster/setup.h proxy/cluster/plane.h \
 proxy/cluster/ask.h proxy/cluster/datagram.h \
 include/tbl/datagram_drops.h proxy/config/config.h proxy/base/log.h \
 proxy/cluster/dns_ev.h proxy/cluster/dns.h proxy/cluster/embedded_ev.h \
 proxy/cluster/embedded.h proxy/cluster/register.h \
 proxy/cluster/register_wire.h proxy/cluster/pull.h proxy/cluster/voter.h \
 proxy/cluster/register_file.h proxy/cluster/etcd_ev.h \
 proxy/cluster/etcd.h proxy/cluster/hook_ev.h proxy/cluster/roles.h \
 proxy/node/fences.h proxy/relay/fence.h proxy/node/node.h \
 proxy/edge/worker_ev.h proxy/edge/listener.h proxy/relay/worker.h \
 proxy/base/buf.h proxy/base/digest.h proxy/base/mailbox.h \
 proxy/base/wheel.h proxy/cluster/ticket.h proxy/http/parse.h \
 proxy/record/access.h proxy/record/sink.h proxy/record/failover.h \
 proxy/members/pool.h proxy/members/verdict.h proxy/members/view.h \
 include/hashring.h proxy/members/member.h proxy/members/history.h \
 proxy/members/places.h proxy/members/weight.h \
 proxy/record/failover_line.h proxy/record/outage.h proxy/record/moved.h \
 proxy/route/plan.h proxy/relay/board.h proxy/relay/io.h \
 proxy/route/service.h proxy/affinity/hop.h proxy/affinity/session.h \
 proxy/affinity/keyrule.h proxy/affinity/suffix.h proxy/affinity/cookie.h \
 proxy/http/forward.h proxy/http/cache.h proxy/affinity/tag.h \
 proxy/cluster/race_wire.h proxy/route/entrance.h proxy/base/network.h \
 proxy/tls/context.h proxy/tls/certificate.h proxy/tls/channel.h \
 proxy/tls/facts.h proxy/route/match.h proxy/members/probe_ev.h
proxy/node/roles.h:
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
proxy/node/cluster.h:
proxy/cluster/cluster_ev.h:
proxy/cluster/setup.h:
proxy/cluster/plane.h:
proxy/cluster/ask.h:
proxy/cluster/datagram.h:
include/tbl/datagram_drops.h:
proxy/config/config.h:
proxy/base/log.h:
proxy/cluster/dns_ev.h:
proxy/cluster/dns.h:
proxy/cluster/embedded_ev.h:
proxy/cluster/embedded.h:
proxy/cluster/register.h:
proxy/cluster/register_wire.h:
proxy/cluster/pull.h:
proxy/cluster/voter.h:
proxy/cluster/register_file.h:
proxy/cluster/etcd_ev.h:
proxy/cluster/etcd.h:
proxy/cluster/hook_ev.h:
proxy/cluster/roles.h:
proxy/node/fences.h:
proxy/relay/fence.h:
proxy/node/node.h:
proxy/edge/worker_ev.h:
proxy/edge/listener.h:
proxy/relay/worker.h:
proxy/base/buf.h:
proxy/base/digest.h:
proxy/base/mailbox.h:
proxy/base/wheel.h:
proxy/cluster/ticket.h:
proxy/http/parse.h:
proxy/record/access.h:
proxy/record/sink.h:
proxy/record/failover.h:
proxy/members/pool.h:
proxy/members/verdict.h:
proxy/members/view.h:
include/hashring.h:
proxy/members/member.h:
proxy/members/history.h:
proxy/members/places.h:
proxy/members/weight.h:
proxy/record/failover_line.h:
proxy/record/outage.h:
proxy/record/moved.h:
proxy/route/plan.h:
proxy/relay/board.h:
proxy/relay/io.h:
proxy/route/service.h:
proxy/affinity/hop.h:
proxy/affinity/session.h:
proxy/affinity/keyrule.h:
proxy/affinity/suffix.h:
proxy/affinity/cookie.h:
proxy/http/forward.h:
proxy/http/cache.h:
proxy/affinity/tag.h:
proxy/cluster/race_wire.h:
proxy/route/entrance.h:
proxy/base/network.h:
proxy/tls/context.h:
proxy/tls/certificate.h:
proxy/tls/channel.h:
proxy/tls/facts.h:
proxy/route/match.h:
proxy/members/probe_ev.h:
