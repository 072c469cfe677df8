build-quick/proxy/cluster/etcd_ev.o: proxy/cluster/etcd_ev.c \
 proxy/cluster/etcd_ev.h proxy/base/addr.h proxy/base/text.h \
 include/result.h proxy/cluster/etcd.h proxy/cluster/engine.h \
 proxy/cluster/document.h proxy/cluster/lease.h proxy/cluster/body.h \
 proxy/cluster/machine.h include/vocab.h include/tbl/member_states.h \
 include/tbl/events.h include/tbl/reasons.h include/tbl/causes.h \
 include/tbl/tag_rejections.h include/tbl/ticket_rejections.h \
 include/tbl/race_counts.h include/tbl/race_silences.h \
 include/tbl/datagrams.h proxy/cluster/role.h \
 include/tbl/lease_refusals.h proxy/cluster/register_image.h \
 proxy/base/clock.h proxy/base/log.h
proxy/cluster/etcd_ev.h:
proxy/base/addr.h:
proxy/base/text.h:
include/result.h:
proxy/cluster/etcd.h:
proxy/cluster/engine.h:
proxy/cluster/document.h:
proxy/cluster/lease.h:
proxy/cluster/body.h:
proxy/cluster/machine.h:
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
proxy/cluster/register_image.h:
proxy/base/clock.h:
proxy/base/log.h:
