build-quick/proxy/http/cache.o: proxy/http/cache.c proxy/http/cache.h \
 proxy/http/head.h proxy/base/text.h include/result.h include/vocab.h \
 include/tbl/member_states.h include/tbl/events.h include/tbl/reasons.h \
 include/tbl/causes.h include/tbl/tag_rejections.h \
 include/tbl/ticket_rejections.h include/tbl/race_counts.h \
 include/tbl/race_silences.h include/tbl/fields.h proxy/http/octets.h
proxy/http/cache.h:
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
