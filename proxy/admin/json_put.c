/* json_put.c: see json_put.h. */
#include "admin/json_put.h"

#include "base/clock.h"

/* "name": with a comma before it, unless it is the first in its object. */
void
put_json_key(struct grow *out, const char *name)
{
	bool first = out->bytes > 0 && out->at[out->bytes - 1] == '{';
	grow_text(out, first ? "\"" : ",\"");
	grow_text(out, name);
	grow_text(out, "\":");
}

void
put_json_count(struct grow *out, const char *name, uint64_t count)
{
	put_json_key(out, name);
	grow_u64(out, count);
}

void
put_json_bool(struct grow *out, const char *name, bool value)
{
	put_json_key(out, name);
	grow_text(out, value ? "true" : "false");
}

/* In pieces, so that it may have any length. NULL: null. */
void
put_json_text(struct grow *out, const char *name, const char *text)
{
	put_json_key(out, name);
	if (text == NULL) {
		grow_text(out, "null");
		return;
	}
	grow_text(out, "\"");
	for (const char *at = text; *at != '\0'; at++) {
		bool plain = *at >= 0x20 && *at < 0x7f && *at != '"' && *at != '\\';
		if (plain)
			grow_bytes(out, at, 1);
		else
			grow_format(out, "\\u%04x", (unsigned)(unsigned char)*at);
	}
	grow_text(out, "\"");
}

void
put_json_time(struct grow *out, const char *name, uint64_t wall_ms)
{
	char text[32];
	struct writer w = writer_on(text, sizeof(text));
	write_timestamp(&w, wall_ms);
	put_json_text(out, name, writer_text(&w));
}
