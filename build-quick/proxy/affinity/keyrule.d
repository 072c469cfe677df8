build-quick/proxy/affinity/keyrule.o: proxy/affinity/keyrule.c \
 proxy/affinity/keyrule.h proxy/base/addr.h proxy/base/text.h \
 include/result.h proxy/http/head.h include/vocab.h \
 include/tbl/member_states.h include/tbl/events.h include/tbl/reasons.h \
 include/tbl/causes.h include/tbl/tag_rejections.h \
 include/tbl/ticket_rejections.h include/tbl/race_counts.h \
 include/tbl/race_silences.h include/tbl/fields.h proxy/affinity/cookie.h \
 proxy/http/forward.h proxy/http/cache.h proxy/affinity/credentials.h \
 proxy/affinity/json.h
proxy/affinity/keyrule.h:
proxy/base/addr.h:
proxy/base/text.h:
include/result.h:
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
proxy/affinity/cookie.h:
proxy/http/forward.h:
proxy/http/cache.h:
proxy/affinity/credentials.h:
proxy/affinity/json.h:
