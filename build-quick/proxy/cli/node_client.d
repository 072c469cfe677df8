build-quick/proxy/cli/node_client.o: proxy/cli/node_client.c \
 proxy/cli/node_client.h proxy/base/text.h include/result.h \
 proxy/base/addr.h proxy/base/clock.h proxy/base/grow.h \
 proxy/http/parse.h proxy/http/head.h include/vocab.h \
 include/tbl/member_states.h include/tbl/events.h include/tbl/reasons.h \
 include/tbl/causes.h include/tbl/tag_rejections.h \
 include/tbl/ticket_rejections.h include/tbl/race_counts.h \
 include/tbl/race_silences.h include/tbl/fields.h
proxy/cli/node_client.h:
proxy/base/text.h:
include/result.h:
proxy/base/addr.h:
proxy/base/clock.h:
proxy/base/grow.h:
proxy/http/parse.h:
proxy/http/head.h:
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
