build-quick/proxy/cluster/epoch_publish.o: proxy/cluster/epoch_publish.c \
 proxy/cluster/epoch_inside.h proxy/cluster/body.h \
 proxy/cluster/machine.h proxy/base/addr.h proxy/base/text.h \
 include/result.h include/vocab.h include/tbl/member_states.h \
 include/tbl/events.h include/tbl/reasons.h include/tbl/causes.h \
 include/tbl/tag_rejections.h include/tbl/ticket_rejections.h \
 include/tbl/race_counts.h include/tbl/race_silences.h \
 include/tbl/datagrams.h proxy/cluster/epoch.h proxy/cluster/election.h \
 proxy/cluster/delays.h proxy/cluster/engine.h proxy/cluster/document.h \
 proxy/cluster/lease.h proxy/cluster/role.h include/tbl/lease_refusals.h \
 proxy/cluster/register_image.h proxy/cluster/mutant.h
proxy/cluster/epoch_inside.h:
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
proxy/cluster/epoch.h:
proxy/cluster/election.h:
proxy/cluster/delays.h:
proxy/cluster/engine.h:
proxy/cluster/document.h:
proxy/cluster/lease.h:
proxy/cluster/role.h:
include/tbl/lease_refusals.h:
proxy/cluster/register_image.h:
proxy/cluster/mutant.h:
