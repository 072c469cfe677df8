/*
 * load.c: a file into a checked struct config; see config.h. The steps stand in
 * loading.h.
 */
#include "config/loading.h"
#include "config/rows.h"

#include "base/digest.h"

#include <errno.h>
#include <stdlib.h>

#define READ_BYTES_FIRST ((size_t)64 * 1024)

/* ---- the file ------------------------------------------------------------------------------- */

struct text {
	char *at; /* owned, terminated */
	size_t bytes;
	size_t capacity;
};

static bool
text_grow(struct text *t)
{
	size_t capacity = t->capacity == 0 ? READ_BYTES_FIRST : t->capacity * 2;
	char *at = realloc(t->at, capacity);
	if (at == NULL)
		return false;
	t->at = at;
	t->capacity = capacity;
	return true;
}

static enum result
read_stream(FILE *from, struct text *t, struct problem *p)
{
	do {
		if (t->bytes + 1 >= t->capacity && !text_grow(t))
			return problem_set(p, RESULT_NO_MEMORY, "no memory");
		t->bytes += fread(t->at + t->bytes, 1, t->capacity - t->bytes - 1, from);
		if (t->bytes > (size_t)CONFIG_FILE_BYTES_MAX)
			return problem_set(p, RESULT_LIMIT, "larger than %d bytes",
					   CONFIG_FILE_BYTES_MAX);
	} while (!feof(from) && !ferror(from));
	if (ferror(from))
		return problem_set(p, RESULT_IO, "%s", strerror(errno));
	t->at[t->bytes] = '\0';
	return RESULT_OK;
}

static enum result
read_file(const char *file, struct text *t, struct problem *p)
{
	FILE *from = fopen(file, "re");
	if (from == NULL)
		return problem_set(p, errno == ENOENT ? RESULT_NOT_FOUND : RESULT_IO, "%s",
				   strerror(errno));
	enum result r = read_stream(from, t, p);
	(void)fclose(from);
	return r;
}

/* ---- the tree ------------------------------------------------------------------------------- */

static void
find_syntax_error(struct loading *l, const config_t *tree)
{
	struct config_finding finding = {
	    .file = (char *)(uintptr_t)l->file,
	    .line = config_error_line(tree),
	    .reason = (char *)(uintptr_t)config_error_text(tree),
	};
	if (!findings_add(l->findings, &finding))
		l->no_memory = true;
}

static void
read_tree(struct loading *l, config_t *tree)
{
	l->root = config_root_setting(tree);
	read_keys(l);
	if (l->no_memory)
		return;
	check_mesh(l);
	check_cluster(l);
	check_races(l);
	check_listeners(l);
	check_tls(l);
	check_services(l);
	check_needs(l);
	read_secrets(l);
}

static void
parse(struct loading *l, const struct text *text)
{
	config_t tree;
	if (!scan_text(l, text->at, text->bytes))
		return;
	config_init(&tree);
	if (config_read_string(&tree, text->at) != CONFIG_TRUE)
		find_syntax_error(l, &tree);
	else
		read_tree(l, &tree);
	config_destroy(&tree);
}

/* ---- the face ------------------------------------------------------------------------------- */

static enum result
fail(struct loading *l, enum result r, const char *reason)
{
	struct config_finding finding = {
	    .file = (char *)(uintptr_t)l->file,
	    .reason = (char *)(uintptr_t)reason,
	};
	config_findings_free(l->findings);
	(void)findings_add(l->findings, &finding); /* without memory it is counted */
	return r;
}

static enum result
load_text(struct loading *l, const struct text *text)
{
	l->config->file = strdup(l->file);
	if (l->config->file == NULL)
		return fail(l, RESULT_NO_MEMORY, "no memory");
	parse(l, text);
	if (l->no_memory)
		return fail(l, RESULT_NO_MEMORY, "no memory");
	findings_sort(l->findings);
	return l->findings->errors > 0 ? RESULT_INVALID : RESULT_OK;
}

enum result
config_load(const char *file, enum config_purpose purpose, struct config **out,
	    struct config_findings *findings)
{
	*out = NULL;
	*findings = (struct config_findings){.list = NULL};
	struct loading l = {.file = file, .purpose = purpose, .findings = findings};
	struct text text = {.at = NULL};
	struct problem p = {""};
	if (!digest_init())
		return fail(&l, RESULT_IO, "libsodium cannot start");
	enum result r = read_file(file, &text, &p);
	if (r != RESULT_OK)
		(void)fail(&l, r, p.text);
	if (r == RESULT_OK) {
		l.config = calloc(1, sizeof(*l.config));
		r = l.config == NULL ? fail(&l, RESULT_NO_MEMORY, "no memory")
				     : load_text(&l, &text);
	}
	free(text.at);
	if (r == RESULT_OK)
		*out = l.config;
	else
		config_free(&l.config);
	return r;
}
