build-quick/proxy/cli/table.o: proxy/cli/table.c proxy/cli/table.h \
 proxy/base/grow.h proxy/base/text.h include/result.h
proxy/cli/table.h:
proxy/base/grow.h:
proxy/base/text.h:
include/result.h:
