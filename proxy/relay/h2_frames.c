/* h2_frames.c: see h2_frames.h. */
#include "relay/h2_frames.h"

#include <string.h>

enum { TYPE_HEADERS = 1, TYPE_CONTINUATION = 9, TYPE_PRIORITY_UPDATE = 16, FLAG_END_HEADERS = 4 };

void
h2_frames_init(struct h2_frames *f)
{
	/* The preface, as if it were the head and payload of one frame of a head. */
	*f = (struct h2_frames){.left = H2_PREFACE_BYTES, .head_bytes = H2_FRAME_HEAD_BYTES};
	f->in_block = true;
	f->head[3] = TYPE_CONTINUATION;
	f->head[4] = FLAG_END_HEADERS;
}

void
h2_frames_init_server(struct h2_frames *f)
{
	*f = (struct h2_frames){.left = 0};
}

static bool
is_of_head(const struct h2_frames *f)
{
	return f->head[3] == TYPE_HEADERS || f->head[3] == TYPE_CONTINUATION;
}

/* Its head is there. */
static void
begin_frame(struct h2_frames *f)
{
	f->left = (uint32_t)f->head[0] << 16 | (uint32_t)f->head[1] << 8 | f->head[2];
	if (f->head[3] <= TYPE_CONTINUATION)
		f->begun += H2_FRAME_HEAD_BYTES + f->left;
}

/* The frame is whole. */
static void
end_frame(struct h2_frames *f)
{
	f->head_bytes = 0;
	f->unknown += f->head[3] > TYPE_CONTINUATION && f->head[3] != TYPE_PRIORITY_UPDATE;
	f->priority_updates += f->head[3] == TYPE_PRIORITY_UPDATE;
	if (is_of_head(f))
		f->in_block = (f->head[4] & FLAG_END_HEADERS) == 0;
}

size_t
h2_frames_take(struct h2_frames *f, const uint8_t *at, size_t bytes, uint32_t *heads)
{
	size_t taken = 0;
	while (taken<bytes && * heads> 0) {
		size_t left = bytes - taken;
		size_t take = H2_FRAME_HEAD_BYTES - f->head_bytes;
		if (take > 0) {
			take = take < left ? take : left;
			memcpy(f->head + f->head_bytes, at + taken, take);
			f->head_bytes += (uint8_t)take;
			if (f->head_bytes == H2_FRAME_HEAD_BYTES)
				begin_frame(f);
		} else {
			take = f->left < left ? f->left : left;
			f->left -= (uint32_t)take;
		}
		if (f->head_bytes == H2_FRAME_HEAD_BYTES && f->left == 0) {
			*heads -= f->head[3] == TYPE_HEADERS;
			end_frame(f);
		}
		taken += take;
	}
	return taken;
}

void
h2_frames_feed(struct h2_frames *f, const uint8_t *at, size_t bytes)
{
	uint32_t heads = UINT32_MAX; /* never so many in what is read at once */
	(void)h2_frames_take(f, at, bytes, &heads);
}

bool
h2_frames_in_head(const struct h2_frames *f)
{
	bool in_frame = f->head_bytes == H2_FRAME_HEAD_BYTES && is_of_head(f);
	return f->in_block || in_frame;
}
