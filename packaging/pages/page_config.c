/* page_config.c: holdfast.conf(5), of include/tbl/config_keys.h. */
#include "base/text.h"
#include "config/rows.h"
#include "pages.h"
#include "roff.h"

#include <assert.h>
#include <string.h>

#define LINE_BYTES 256

static const char *
kind_of(enum key_kind kind)
{
	static const char *const kinds[] = {
	    [KIND_BOOL] = "true or false",
	    [KIND_COUNT] = "whole number",
	    [KIND_DURATION] = "duration",
	    [KIND_SECONDS] = "duration in whole seconds",
	    [KIND_SIZE] = "size",
	    [KIND_PERCENT] = "share, such as \"20%\"",
	    [KIND_WORD] = "word",
	    [KIND_ADDRESS] = "address:port",
	    [KIND_SOCKET] = "address:port or unix:PATH",
	    [KIND_LISTEN] = "address:port, unix:PATH or fd:NAME",
	    [KIND_ORIGIN] = "address:port, name:port or unix:PATH",
	    [KIND_DISCOVER] = "dns://name:port or dns+srv://name",
	    [KIND_TEXT] = "text",
	    [KIND_ENDPOINT] = "http://address:port/path",
	    [KIND_LOG] =
		"file name, stdout, stderr, syslog:[PATH or address:port] or journald:[PATH]",
	    [KIND_FILE] = "file name",
	    [KIND_ID] = "name of letters, digits and . _ : -",
	    [KIND_TOKEN] = "secret text",
	    [KIND_HOST] = "host name",
	    [KIND_NETWORK] = "network, such as \"10.0.0.0/8\"",
	    [KIND_PREFIX] = "path prefix",
	    [KIND_TARGET] = "path, with a query or without",
	    [KIND_VISIBLE] = "printable ASCII without blanks",
	    [KIND_POOL_KEY] = "file name",
	    [KIND_TEXTS] = "list",
	    [KIND_LIST] = "list of groups",
	};
	_Static_assert(sizeof(kinds) / sizeof(kinds[0]) == KIND_LIST + 1, "each kind is said");
	assert(kinds[kind] != NULL);
	return kinds[kind];
}

static bool
is_number(enum key_kind kind)
{
	return kind == KIND_COUNT || kind == KIND_DURATION || kind == KIND_SECONDS ||
	       kind == KIND_SIZE || kind == KIND_PERCENT;
}

static void
write_bounds(struct writer *w, const struct key_row *row)
{
	write_text(w, "; ");
	write_bound(w, row, row->low);
	write_text(w, " to ");
	write_bound(w, row, row->high);
}

/* "duration; 1ms to 1h; default 10s" */
static void
write_facts(struct writer *w, const struct key_row *row)
{
	write_text(w, kind_of(row->kind));
	if (row->kind == KIND_TEXTS) {
		write_text(w, ", each a ");
		write_text(w, kind_of(row->element_kind));
	} else if (row->kind == KIND_WORD) {
		write_text(w, ": ");
		for (const char *c = row->unit; *c != '\0'; c++)
			if (*c == '|')
				write_text(w, ", ");
			else
				write_char(w, *c);
	} else if (row->kind == KIND_COUNT && row->unit[0] != '\0') {
		write_text(w, ", ");
		write_text(w, row->unit);
	}
	if (is_number(row->kind))
		write_bounds(w, row);
	if (row->default_text == config_required) {
		write_text(w, "; must be there");
	} else if (row->default_text != NULL) {
		write_text(w, "; default ");
		write_text(w, row->default_text);
	}
}

static void
keys(FILE *to)
{
	char facts[LINE_BYTES];
	roff_section(to, "KEYS");
	roff_text(to,
		  "A path names a key within its groups; [] stands for each element of a list.");
	for (size_t i = 0; i < key_row_count; i++) {
		struct writer w = writer_on(facts, sizeof(facts));
		write_facts(&w, &key_rows[i]);
		roff_item(to, key_rows[i].path, writer_text(&w));
		roff_more(to, key_rows[i].help);
	}
}

void
page_config(FILE *to)
{
	roff_title(to, "holdfast.conf", 5, "configuration of Holdfast");
	roff_section(to, "DESCRIPTION");
	roff_text(to, "The syntax is that of libconfig: NAME = VALUE; with groups in braces, lists "
		      "in parentheses and arrays in brackets. Comments begin with # or //. "
		      "Durations and sizes are texts in quotes and carry a unit: \"500ms\", "
		      "\"2s\", \"5m\", \"1h\"; \"512\" (bytes), \"64KiB\", \"1MiB\", \"2GiB\".");
	roff_text(to, "holdfast check -c FILE says everything that is wrong with a file at once, "
		      "each finding with file, line, path, value and reason. The file that is "
		      "installed shows every key with its default; what it has commented out by # "
		      "without a blank is the default.");
	roff_section(to, "EXAMPLE");
	roff_example(to, "listeners = ( { address = \"0.0.0.0:80\"; } );\n"
			 "services = (\n"
			 "    {\n"
			 "        name = \"shop\";\n"
			 "        session = { keys = [ \"cookie:JSESSIONID\" ]; };\n"
			 "        members = (\n"
			 "            { id = \"a\"; origin = \"10.0.0.1:8080\"; },\n"
			 "            { id = \"b\"; origin = \"10.0.0.2:8080\"; },\n"
			 "            { id = \"c\"; origin = \"10.0.0.3:8080\"; }\n"
			 "        );\n"
			 "    }\n"
			 ");\n");
	keys(to);
	roff_section(to, "SEE ALSO");
	roff_text(to, "holdfast(1), holdfast-logs(5), holdfast-handbook(7)");
}
