build-quick/proxy/cli/run.o: proxy/cli/run.c proxy/cli/cli.h \
 include/tbl/subcommands.h proxy/base/digest.h proxy/base/text.h \
 include/result.h include/vocab.h include/tbl/member_states.h \
 include/tbl/events.h include/tbl/reasons.h include/tbl/causes.h \
 include/tbl/tag_rejections.h include/tbl/ticket_rejections.h \
 include/tbl/race_counts.h include/tbl/race_silences.h proxy/base/log.h \
 proxy/cli/options.h proxy/node/node.h proxy/config/config.h \
 proxy/base/addr.h proxy/edge/worker_ev.h proxy/edge/listener.h \
 proxy/relay/worker.h proxy/base/buf.h proxy/base/mailbox.h \
 proxy/base/wheel.h proxy/cluster/ticket.h proxy/http/parse.h \
 proxy/http/head.h include/tbl/fields.h proxy/record/access.h \
 proxy/record/sink.h proxy/record/arrivals.h include/tbl/arrival_ends.h \
 proxy/record/failover.h proxy/members/pool.h proxy/members/verdict.h \
 proxy/members/view.h include/hashring.h proxy/members/member.h \
 proxy/members/history.h proxy/members/places.h proxy/members/weight.h \
 proxy/record/failover_line.h proxy/record/outage.h proxy/record/moved.h \
 proxy/route/plan.h proxy/relay/board.h proxy/relay/fence.h \
 proxy/relay/io.h proxy/route/service.h proxy/affinity/hop.h \
 proxy/affinity/session.h proxy/affinity/keyrule.h \
 proxy/affinity/suffix.h proxy/affinity/cookie.h proxy/http/forward.h \
 proxy/http/cache.h proxy/affinity/tag.h proxy/cluster/race_wire.h \
 proxy/cluster/datagram.h proxy/cluster/machine.h include/tbl/datagrams.h \
 include/tbl/datagram_drops.h proxy/record/tally.h proxy/route/entrance.h \
 proxy/base/network.h proxy/tls/context.h proxy/tls/certificate.h \
 proxy/tls/channel.h proxy/tls/facts.h proxy/route/match.h \
 proxy/members/probe_ev.h
proxy/cli/cli.h:
include/tbl/subcommands.h:
proxy/base/digest.h:
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
proxy/base/log.h:
proxy/cli/options.h:
proxy/node/node.h:
proxy/config/config.h:
proxy/base/addr.h:
proxy/edge/worker_ev.h:
proxy/edge/listener.h:
proxy/relay/worker.h:
proxy/base/buf.h:
proxy/base/mailbox.h:
proxy/base/wheel.h:
proxy/cluster/ticket.h:
proxy/http/parse.h:
proxy/http/head.h:
include/tbl/fields.h:
proxy/record/access.h:
proxy/record/sink.h:
proxy/record/arrivals.h:
include/tbl/arrival_ends.h:
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
proxy/relay/fence.h:
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
proxy/cluster/datagram.h:
proxy/cluster/machine.h:
include/tbl/datagrams.h:
include/tbl/datagram_drops.h:
proxy/record/tally.h:
proxy/route/entrance.h:
proxy/base/network.h:
proxy/tls/context.h:
proxy/tls/certificate.h:
proxy/tls/channel.h:
proxy/tls/facts.h:
proxy/route/match.h:
proxy/members/probe_ev.h:
