build-quick/proxy/http/chunk.o: proxy/http/chunk.c proxy/http/chunk.h \
 proxy/http/head.h proxy/base/text.h include/result.h include/vocab.h \
 include/tbl/member_states.h include/tbl/events.h include/tbl/reasons.h \
 include/tbl/causes.h include/tbl/tag_rejections.h \
 include/tbl/ticket_rejections.h include/tbl/race_counts.h \
 include/tbl/race_silences.h include/tbl/fields.h proxy/http/octets.h \
 proxy/http/parse.h
proxy/http/chunk.h:
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
proxy/http/octets.h:
proxy/http/parse.h:
