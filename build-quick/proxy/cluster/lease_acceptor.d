build-quick/proxy/cluster/lease_acceptor.o: \
 proxy/cluster/lease_acceptor.c proxy/cluster/lease_wire.h \
 proxy/cluster/lease.h proxy/cluster/body.h proxy/cluster/machine.h \
 proxy/base/addr.h proxy/base/text.h include/result.h include/vocab.h \
 include/tbl/member_states.h include/tbl/events.h include/tbl/reasons.h \
 include/tbl/causes.h include/tbl/tag_rejections.h \
 include/tbl/ticket_rejections.h include/tbl/race_counts.h \
 include/tbl/race_silences.h include/tbl/datagrams.h proxy/cluster/role.h \
 include/tbl/lease_refusals.h proxy/cluster/mutant.h
proxy/cluster/lease_wire.h:
proxy/cluster/lease.h:
proxy/cluster/body.h:
proxy/cluster/machine.h:
proxy/base/addr.h:
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
include/tbl/datagrams.h:
proxy/cluster/role.h:
include/tbl/lease_refusals.h:
proxy/cluster/mutant.h:
