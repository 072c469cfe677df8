/*
 * place.c: a finding at its place: path, line and value of a libconfig setting, in
 * the words of a person who looks at the file.
 */
#include "config/loading.h"
#include "config/rows.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>

#define PATH_SHOWN_BYTES_MAX  256
#define PATH_DEPTH_MAX        16  /* deeper paths lose their beginning */
#define VALUE_SHOWN_BYTES_MAX 160 /* of a value as written; the rest is cut */

static void
write_path(struct writer *w, config_setting_t *at)
{
	config_setting_t *way[PATH_DEPTH_MAX];
	size_t depth = 0;
	for (; config_setting_parent(at) != NULL && depth < PATH_DEPTH_MAX;
	     at = config_setting_parent(at))
		way[depth++] = at;
	if (config_setting_parent(at) != NULL)
		write_literal(w, "...");
	while (depth-- > 0) {
		const char *name = config_setting_name(way[depth]);
		if (name == NULL) {
			write_format(w, "[%d]", config_setting_index(way[depth]));
			continue;
		}
		if (w->bytes > 0)
			write_char(w, '.');
		write_text(w, name);
	}
}

/* A text is cut before it is escaped, so that no escape is cut. */
static void
write_text_value(struct writer *w, struct slice text)
{
	bool cut = text.bytes > VALUE_SHOWN_BYTES_MAX;
	if (cut)
		text.bytes = VALUE_SHOWN_BYTES_MAX;
	write_char(w, '"');
	write_escaped(w, text);
	write_text(w, cut ? "\"..." : "\"");
}

static void
write_value(struct writer *w, config_setting_t *at)
{
	const char *text;
	switch (config_setting_type(at)) {
	case CONFIG_TYPE_INT:
	case CONFIG_TYPE_INT64:
		write_format(w, "%lld", config_setting_get_int64(at));
		break;
	case CONFIG_TYPE_FLOAT:
		write_format(w, "%g", config_setting_get_float(at));
		break;
	case CONFIG_TYPE_BOOL:
		write_text(w, config_setting_get_bool(at) ? "true" : "false");
		break;
	case CONFIG_TYPE_STRING:
		text = config_setting_get_string(at);
		write_text_value(w, text == NULL ? SLICE_NONE : slice_of(text));
		break;
	default:
		break; /* a group or list is shown by its path */
	}
}

/* The value of a key that is a secret is not shown. */
static bool
is_secret(config_setting_t *at)
{
	char path[PATH_SHOWN_BYTES_MAX];
	struct writer w = writer_on(path, sizeof(path));
	write_path(&w, at);
	const struct key_row *row = key_row_find(writer_text(&w));
	return row != NULL && row->kind == KIND_TOKEN;
}

static void
add(struct loading *l, config_setting_t *at, const char *child, bool warning, const char *reason)
{
	char path[PATH_SHOWN_BYTES_MAX];
	char value[VALUE_SHOWN_BYTES_MAX * 4 + 16];
	assert(at != NULL);
	if (l->findings->count == CONFIG_FINDINGS_MAX) {
		(void)findings_add(l->findings, &(struct config_finding){.warning = warning});
		return; /* counted; its words would be for nobody */
	}
	struct writer path_w = writer_on(path, sizeof(path));
	struct writer value_w = writer_on(value, sizeof(value));
	config_setting_t *held = child == NULL ? at : config_setting_lookup(at, child);
	write_path(&path_w, at);
	if (child != NULL) {
		write_text(&path_w, path_w.bytes > 0 ? "." : "");
		write_text(&path_w, child);
	}
	if (held != NULL && !is_secret(held))
		write_value(&value_w, held);
	struct config_finding finding = {
	    .file = (char *)(uintptr_t)l->file,
	    .line = (int)config_setting_source_line(held != NULL ? held : at),
	    .path = (char *)(uintptr_t)writer_text(&path_w),
	    .value = (char *)(uintptr_t)writer_text(&value_w),
	    .reason = (char *)(uintptr_t)reason,
	    .warning = warning,
	};
	if (!findings_add(l->findings, &finding))
		l->no_memory = true;
}

void
complain(struct loading *l, config_setting_t *at, const char *child, const char *format, ...)
{
	char reason[PROBLEM_BYTES_MAX];
	va_list ap;
	va_start(ap, format);
	(void)vsnprintf(reason, sizeof(reason), format, ap);
	va_end(ap);
	add(l, at, child, false, reason);
}

void
warn(struct loading *l, config_setting_t *at, const char *child, const char *format, ...)
{
	char reason[PROBLEM_BYTES_MAX];
	va_list ap;
	va_start(ap, format);
	(void)vsnprintf(reason, sizeof(reason), format, ap);
	va_end(ap);
	add(l, at, child, true, reason);
}
