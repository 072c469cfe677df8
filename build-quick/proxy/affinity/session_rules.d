build-quick/proxy/affinity/session_rules.o: \
 proxy/affinity/session_rules.c proxy/affinity/session.h \
 proxy/affinity/keyrule.h proxy/base/addr.h proxy/base/text.h \
 include/result.h proxy/http/head.h include/vocab.h \
 include/tbl/member_states.h include/tbl/events.h include/tbl/reasons.h \
 include/tbl/causes.h include/tbl/tag_rejections.h \
 include/tbl/ticket_rejections.h include/tbl/race_counts.h \
 include/tbl/race_silences.h include/tbl/fields.h proxy/affinity/suffix.h \
 proxy/affinity/cookie.h proxy/http/forward.h proxy/http/cache.h \
 proxy/affinity/tag.h proxy/config/config.h proxy/base/log.h
proxy/affinity/session.h:
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
proxy/affinity/suffix.h:
proxy/affinity/cookie.h:
proxy/http/forward.h:
proxy/http/cache.h:
proxy/affinity/tag.h:
proxy/config/config.h:
proxy/base/log.h:
