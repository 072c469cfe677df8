/*
 * mirror_door.h: the door of a copied request: it leads nowhere. It notes what was answered and how
 * much came, and is gone when that is too much. For mirror.c alone.
 */
#ifndef HOLDFAST_RELAY_MIRROR_DOOR_H
#define HOLDFAST_RELAY_MIRROR_DOOR_H

#include "relay/mirror.h"

static void
on_respond(struct door *d, const struct door_answer *answer)
{
	if (!answer->interim)
		d->status = answer->head->status;
}

static void
on_data(struct door *d, const char *at, size_t bytes)
{
	(void)at;
	d->sent += bytes;
	d->gone = d->sent > MIRROR_ANSWER_BYTES_MAX;
}

static void
on_end(struct door *d, struct slice trailers)
{
	(void)d;
	(void)trailers;
}

static void
nothing(struct door *d)
{
	(void)d;
}

static void
on_refuse(struct door *d, enum cause cause, uint16_t status, uint32_t retry_after_s)
{
	(void)cause;
	(void)retry_after_s;
	d->status = status;
}

static void
on_give(struct door *d, struct slice type, struct slice body)
{
	(void)d;
	(void)type;
	(void)body;
}

static void
on_say(struct door *d, const struct door_words *words)
{
	d->status = words->status;
}

static void
on_want_body(struct door *d, bool on)
{
	(void)d;
	(void)on;
}

static void
on_spliced(struct door *d, uint64_t bytes, bool more)
{
	(void)more;
	d->sent += bytes;
}

/* All but `done`. */
#define MIRROR_DOOR                                                                             \
	.respond = on_respond, .data = on_data, .end = on_end, .flush = nothing,                \
	.refuse = on_refuse, .give = on_give, .say = on_say, .echo = nothing, .abort = nothing, \
	.want_body = on_want_body, .spliced = on_spliced

#endif
