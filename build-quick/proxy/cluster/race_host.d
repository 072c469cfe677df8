build-quick/proxy/cluster/race_host.o: proxy/cluster/race_host.c \
 proxy/cluster/race_host.h proxy/cluster/race.h proxy/cluster/race_wire.h \
 proxy/cluster/datagram.h proxy/base/text.h include/result.h \
 proxy/cluster/machine.h proxy/base/addr.h include/vocab.h \
 include/tbl/member_states.h include/tbl/events.h include/tbl/reasons.h \
 include/tbl/causes.h include/tbl/tag_rejections.h \
 include/tbl/ticket_rejections.h include/tbl/race_counts.h \
 include/tbl/race_silences.h include/tbl/datagrams.h \
 include/tbl/datagram_drops.h proxy/cluster/ticket.h \
 proxy/cluster/race_rates.h
proxy/cluster/race_host.h:
proxy/cluster/race.h:
proxy/cluster/race_wire.h:
proxy/cluster/datagram.h:
proxy/base/text.h:
include/result.h:
proxy/cluster/machine.h:
proxy/base/addr.h:
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
include/tbl/datagram_drops.h:
proxy/cluster/ticket.h:
proxy/cluster/race_rates.h:
