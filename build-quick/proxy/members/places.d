build-quick/proxy/members/places.o: proxy/members/places.c \
 proxy/members/places.h
proxy/members/places.h:
