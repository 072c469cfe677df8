build-quick/proxy/cli/moves.o: proxy/cli/moves.c proxy/cli/moves.h \
 include/result.h
proxy/cli/moves.h:
include/result.h:
