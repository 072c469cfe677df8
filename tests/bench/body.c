/* body.c: large bodies; see body.h. */
#include "body.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static const char last_chunk[] = "0\r\n\r\n";

bool
body_make(struct body *b, uint64_t bytes, bool chunked)
{
	size_t block = bytes < BODY_BLOCK_BYTES ? (size_t)bytes : BODY_BLOCK_BYTES;
	size_t framing = chunked ? 16 * (block / BODY_CHUNK_BYTES + 1) : 0;

	if (block == 0 || bytes % block != 0 || (b->block = malloc(block + framing)) == NULL)
		return false;
	b->block_bytes = 0;
	for (size_t left = block; left > 0;) {
		size_t take = chunked && left > BODY_CHUNK_BYTES ? BODY_CHUNK_BYTES : left;
		char *at = b->block + b->block_bytes;
		int head = chunked ? sprintf(at, "%zx\r\n", take) : 0;
		memset(at + head, 'x', take);
		if (chunked)
			memcpy(at + head + take, "\r\n", 2);
		b->block_bytes += (size_t)head + take + (chunked ? 2 : 0);
		left -= take;
	}
	b->block_end = bytes / block * b->block_bytes;
	b->wire_bytes = b->block_end + (chunked ? sizeof(last_chunk) - 1 : 0);
	if (chunked)
		snprintf(b->framing, sizeof(b->framing), "Transfer-Encoding: chunked\r\n");
	else
		snprintf(b->framing, sizeof(b->framing), "Content-Length: %llu\r\n",
			 (unsigned long long)bytes);
	return true;
}

int
body_send(const struct body *b, int fd, uint64_t *sent)
{
	while (*sent < b->wire_bytes) {
		size_t skip = (size_t)(*sent % b->block_bytes);
		const char *at = b->block + skip;
		size_t take = b->block_bytes - skip;
		if (*sent >= b->block_end) {
			at = last_chunk + (*sent - b->block_end);
			take = (size_t)(b->wire_bytes - *sent);
		}
		ssize_t n = send(fd, at, take, MSG_NOSIGNAL);
		if (n == -1)
			return errno == EAGAIN ? 0 : -1;
		*sent += (uint64_t)n;
	}
	return 1;
}

static unsigned
hex_of(char digit)
{
	return digit <= '9' ? (unsigned)(digit - '0') : ((unsigned)digit | 0x20) - 'a' + 10;
}

/* A line is whole: of a chunk's size, of the trailers, or the end. */
static void
line_ends(struct chunk_skip *s)
{
	if (s->last)
		s->done = s->line == 0;
	else if (s->size == 0)
		s->last = true;
	else
		s->left = s->size + 2;
	s->payload += s->size;
	s->size = 0;
	s->line = 0;
}

size_t
chunk_skip(struct chunk_skip *s, const char *at, size_t bytes)
{
	size_t i = 0;

	while (i < bytes && !s->done) {
		if (s->left > 0) {
			size_t take = s->left < bytes - i ? (size_t)s->left : bytes - i;
			s->left -= take;
			i += take;
			continue;
		}
		char c = at[i++];
		if (c == '\n') {
			line_ends(s);
		} else if (c != '\r') {
			s->line++;
			if (!s->last)
				s->size = s->size << 4 | hex_of(c);
		}
	}
	return i;
}
