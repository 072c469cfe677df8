/* values.c: one value into its field; see values.h. */
#include "config/values.h"

#include "base/destination.h"
#include "base/endpoint.h"
#include "base/network.h"

#include <assert.h>
#include <stdlib.h>

#define HOST_BYTES_MAX  253
#define LABEL_BYTES_MAX 63

/* ---- what was wanted ------------------------------------------------------------------------ */

static enum result
wrong_type(enum key_kind kind, struct problem *p)
{
	switch (kind) {
	case KIND_BOOL:
		return problem_set(p, RESULT_INVALID, "true or false is wanted");
	case KIND_COUNT:
		return problem_set(p, RESULT_INVALID, "a whole number is wanted");
	case KIND_DURATION:
	case KIND_SECONDS:
		return problem_set(p, RESULT_INVALID,
				   "a duration with its unit is wanted, such as \"500ms\", \"2s\"");
	case KIND_SIZE:
		return problem_set(p, RESULT_INVALID,
				   "a size in quotes is wanted, such as \"512\", \"64KiB\"");
	case KIND_PERCENT:
		return problem_set(p, RESULT_INVALID, "a share is wanted, such as \"20%%\"");
	default:
		return problem_set(p, RESULT_INVALID, "a text in quotes is wanted");
	}
}

static enum result
out_of_bounds(const struct key_row *row, const char *word, int64_t bound, struct problem *p)
{
	char text[32];
	struct writer w = writer_on(text, sizeof(text));
	write_bound(&w, row, bound);
	return problem_set(p, RESULT_INVALID, "%s %s", word, writer_text(&w));
}

/* ---- numbers -------------------------------------------------------------------------------- */

static void
put_number(const struct key_row *row, uint64_t number, void *base)
{
	char *field = (char *)base + row->offset;
	uint16_t two = (uint16_t)number;
	uint32_t four = (uint32_t)number;
	switch (row->width) {
	case 1:
		*field = (char)number;
		break;
	case 2:
		memcpy(field, &two, 2);
		break;
	case 4:
		memcpy(field, &four, 4);
		break;
	default:
		assert(row->width == 8);
		memcpy(field, &number, 8);
	}
}

static enum result
bounded(const struct key_row *row, int64_t number, struct problem *p)
{
	if (number < row->low)
		return out_of_bounds(row, "below", row->low, p);
	if (number > row->high)
		return out_of_bounds(row, "above", row->high, p);
	return RESULT_OK;
}

static enum result
store_number(const struct key_row *row, int64_t number, void *base, struct problem *p)
{
	enum result r = bounded(row, number, p);
	if (r == RESULT_OK)
		put_number(row, (uint64_t)number, base);
	return r;
}

static enum result
store_duration(const struct key_row *row, const char *text, void *base, struct problem *p)
{
	uint64_t ms;
	if (strcmp(text, "off") == 0 && strstr(row->unit, "or off") != NULL) {
		put_number(row, 0, base);
		return RESULT_OK;
	}
	enum result r = duration_parse(slice_of(text), &ms, p);
	if (r == RESULT_INVALID)
		return r;
	if (r == RESULT_LIMIT || ms > INT64_MAX)
		ms = INT64_MAX;
	r = bounded(row, (int64_t)ms, p);
	if (r == RESULT_OK && row->kind == KIND_SECONDS && ms % 1000 != 0)
		return problem_set(p, RESULT_INVALID, "whole seconds are wanted");
	if (r == RESULT_OK)
		put_number(row, row->kind == KIND_SECONDS ? ms / 1000 : ms, base);
	return r;
}

static enum result
store_size(const struct key_row *row, const char *text, void *base, struct problem *p)
{
	uint64_t bytes;
	enum result r = size_parse(slice_of(text), &bytes, p);
	if (r == RESULT_INVALID)
		return r;
	if (r == RESULT_LIMIT || bytes > INT64_MAX)
		return out_of_bounds(row, "above", row->high, p);
	return store_number(row, (int64_t)bytes, base, p);
}

static enum result
store_percent(const struct key_row *row, const char *text, void *base, struct problem *p)
{
	struct slice number = slice_of(text);
	uint64_t percent;
	if (number.bytes == 0 || number.at[--number.bytes] != '%' ||
	    !slice_to_u64(number, &percent))
		return wrong_type(row->kind, p);
	return store_number(row, percent > INT64_MAX ? INT64_MAX : (int64_t)percent, base, p);
}

/* ---- texts ---------------------------------------------------------------------------------- */

static enum result
store_word(const struct key_row *row, const char *text, void *base, struct problem *p)
{
	struct slice rest = slice_of(row->unit);
	for (uint64_t place = 0; rest.bytes > 0; place++) {
		size_t bar = slice_find(rest, '|');
		if (slice_equal((struct slice){rest.at, bar}, slice_of(text))) {
			put_number(row, place, base);
			return RESULT_OK;
		}
		size_t taken = bar < rest.bytes ? bar + 1 : bar;
		rest = (struct slice){rest.at + taken, rest.bytes - taken};
	}
	return problem_set(p, RESULT_INVALID, "none of %s", row->unit);
}

static enum result
store_address(const struct key_row *row, const char *text, void *base, struct problem *p)
{
	struct addr address;
	unsigned forms = row->kind == KIND_SOCKET   ? ADDR_FORM_UNIX
			 : row->kind == KIND_LISTEN ? ADDR_FORM_UNIX | ADDR_FORM_HANDED
			 : row->kind == KIND_ORIGIN ? ADDR_FORM_UNIX | ADDR_FORM_NAME
						    : 0;
	enum result r = addr_parse_form(slice_of(text), forms, &address, p);
	if (r == RESULT_OK && addr_is_link_local(&address))
		return problem_set(p, RESULT_INVALID, "%s", ADDR_NO_ZONES);
	if (r == RESULT_OK)
		memcpy((char *)base + row->offset, &address, sizeof(address));
	return r;
}

/* The port of a service's targets stands in its records. */
static enum result
store_discover(const struct key_row *row, const char *text, void *base, struct problem *p)
{
	static const struct slice plain = {"dns://", 6};
	static const struct slice srv = {"dns+srv://", 10};
	char name[CONFIG_TEXT_BYTES_MAX + 4];
	struct config_discover d = {.srv = slice_has_prefix(slice_of(text), srv)};
	struct writer w = writer_on(name, sizeof(name));
	if (!d.srv && !slice_has_prefix(slice_of(text), plain))
		return problem_set(p, RESULT_INVALID,
				   "neither \"dns://NAME:PORT\" nor \"dns+srv://NAME\"");
	write_text(&w, text + (d.srv ? srv.bytes : plain.bytes));
	write_text(&w, d.srv ? ":1" : "");
	struct slice whole = {w.at, w.bytes};
	enum result r =
	    w.overflow ? RESULT_INVALID : addr_parse_form(whole, ADDR_FORM_NAME, &d.at, p);
	if (r == RESULT_NO_MEMORY || r == RESULT_LIMIT)
		return r;
	if (r != RESULT_OK || d.at.family != ADDR_NAME)
		return problem_set(p, RESULT_INVALID,
				   d.srv ? "no name of a service, such as "
					   "\"dns+srv://_http._tcp.app.internal\""
					 : "no name and port, such as \"dns://app.internal:8080\"");
	memcpy((char *)base + row->offset, &d, sizeof(d));
	return RESULT_OK;
}

static bool
is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z');
}

static bool
all_visible(struct slice text)
{
	for (size_t i = 0; i < text.bytes; i++) {
		if (text.at[i] <= 0x20 || text.at[i] >= 0x7f)
			return false;
	}
	return true;
}

static enum result
check_id(struct slice text, struct problem *p)
{
	for (size_t i = 0; i < text.bytes; i++) {
		char c = text.at[i];
		if (!is_alnum(c) && (i == 0 || c == '\0' || strchr("._:-", c) == NULL))
			return problem_set(p, RESULT_INVALID,
					   "not a name: letters, digits and . _ : - are allowed, "
					   "the first a letter or digit");
	}
	return RESULT_OK;
}

static bool
label_valid(struct slice label)
{
	if (label.bytes == 0 || label.bytes > LABEL_BYTES_MAX)
		return false;
	for (size_t i = 0; i < label.bytes; i++) {
		if (!is_alnum(label.at[i]) && label.at[i] != '-' && label.at[i] != '_')
			return false;
	}
	return true;
}

static bool
is_bracketed_v6(struct slice text)
{
	char with_port[HOST_BYTES_MAX + 3];
	struct addr address;
	if (text.bytes == 0 || text.at[0] != '[')
		return false;
	struct writer w = writer_on(with_port, sizeof(with_port));
	write_slice(&w, text);
	write_literal(&w, ":1");
	return !w.overflow &&
	       addr_parse((struct slice){with_port, w.bytes}, false, &address, NULL) == RESULT_OK;
}

static enum result
check_host(struct slice text, struct problem *p)
{
	if (slice_equal(text, SLICE("*")))
		return problem_set(p, RESULT_INVALID, "leave hosts out to match every host");
	if (text.bytes > HOST_BYTES_MAX)
		return problem_set(p, RESULT_INVALID, "longer than %d bytes", HOST_BYTES_MAX);
	if (is_bracketed_v6(text))
		return RESULT_OK;
	if (slice_has_prefix(text, SLICE("*.")))
		text = (struct slice){text.at + 2, text.bytes - 2};
	for (;;) {
		size_t dot = slice_find(text, '.');
		if (!label_valid((struct slice){text.at, dot}))
			return problem_set(p, RESULT_INVALID,
					   "not a host without port, such as \"shop.example\", "
					   "\"*.example\", \"[::1]\"");
		if (dot == text.bytes)
			return RESULT_OK;
		text = (struct slice){text.at + dot + 1, text.bytes - dot - 1};
	}
}

static enum result
check_path(enum key_kind kind, struct slice text, struct problem *p)
{
	if (text.at[0] != '/' || !all_visible(text) || slice_find(text, '#') != text.bytes)
		return problem_set(p, RESULT_INVALID,
				   "a path begins with '/' and holds printable ASCII without "
				   "blank and '#'");
	if (kind == KIND_PREFIX && slice_find(text, '?') != text.bytes)
		return problem_set(p, RESULT_INVALID, "a path prefix holds no query");
	return RESULT_OK;
}

static enum result
check_text(enum key_kind kind, struct slice text, struct problem *p)
{
	switch (kind) {
	case KIND_ID:
		return check_id(text, p);
	case KIND_HOST:
		return check_host(text, p);
	case KIND_NETWORK:
		return network_parse(text, &(struct network){.bits = 0}, p);
	case KIND_PREFIX:
	case KIND_TARGET:
		return check_path(kind, text, p);
	case KIND_ENDPOINT:
		return endpoint_parse(text.at, &(struct endpoint){.path = ""}, p);
	case KIND_LOG:
		return destination_parse(text.at, &(struct destination){0}, p);
	case KIND_VISIBLE:
	case KIND_TOKEN:
		return all_visible(text) ? RESULT_OK
					 : problem_set(p, RESULT_INVALID,
						       "printable ASCII without blanks is wanted");
	default:
		return RESULT_OK;
	}
}

static enum result
check_length(int64_t low, int64_t high, struct slice text, struct problem *p)
{
	if (text.bytes == 0)
		return problem_set(p, RESULT_INVALID, "empty");
	if ((int64_t)text.bytes < low)
		return problem_set(p, RESULT_INVALID, "shorter than %lld bytes", (long long)low);
	if ((int64_t)text.bytes > high)
		return problem_set(p, RESULT_INVALID, "longer than %lld bytes", (long long)high);
	return RESULT_OK;
}

static enum result
copy_text(enum key_kind kind, const char *text, char **out, struct problem *p)
{
	char *copy = strdup(text);
	if (copy == NULL)
		return problem_set(p, RESULT_NO_MEMORY, "no memory");
	for (char *at = copy; kind == KIND_HOST && *at != '\0'; at++)
		*at = ascii_lower(*at);
	*out = copy;
	return RESULT_OK;
}

static enum result
store_text(const struct key_row *row, const char *text, void *base, struct problem *p)
{
	char *copy = NULL;
	enum result r = check_length(row->low, row->high, slice_of(text), p);
	if (r == RESULT_OK)
		r = check_text(row->kind, slice_of(text), p);
	if (r != RESULT_OK || row->kind == KIND_POOL_KEY)
		return r;
	r = copy_text(row->kind, text, &copy, p);
	if (r != RESULT_OK)
		return r;
	free(key_pointer_get(base, row->offset));
	key_pointer_set(base, row->offset, copy);
	return RESULT_OK;
}

/* ---- the face ------------------------------------------------------------------------------- */

static enum value_type
type_of(enum key_kind kind)
{
	return kind == KIND_BOOL ? VALUE_FLAG : kind == KIND_COUNT ? VALUE_NUMBER : VALUE_TEXT;
}

enum result
value_store(const struct key_row *row, const struct value *value, void *base, struct problem *p)
{
	if (value->type != type_of(row->kind))
		return wrong_type(row->kind, p);
	switch (row->kind) {
	case KIND_BOOL:
		put_number(row, value->flag, base);
		return RESULT_OK;
	case KIND_COUNT:
		return store_number(row, value->number, base, p);
	case KIND_DURATION:
	case KIND_SECONDS:
		return store_duration(row, value->text, base, p);
	case KIND_SIZE:
		return store_size(row, value->text, base, p);
	case KIND_PERCENT:
		return store_percent(row, value->text, base, p);
	case KIND_WORD:
		return store_word(row, value->text, base, p);
	case KIND_ADDRESS:
	case KIND_SOCKET:
	case KIND_LISTEN:
	case KIND_ORIGIN:
		return store_address(row, value->text, base, p);
	case KIND_DISCOVER:
		return store_discover(row, value->text, base, p);
	default:
		return store_text(row, value->text, base, p);
	}
}

enum result
value_store_default(const struct key_row *row, void *base)
{
	if (row->default_text == NULL || row->default_text == config_required)
		return RESULT_OK;
	struct value value = {.type = type_of(row->kind), .text = row->default_text};
	uint64_t number = 0;
	if (value.type == VALUE_FLAG)
		value.flag = strcmp(row->default_text, "true") == 0;
	if (value.type == VALUE_NUMBER && !slice_to_u64(slice_of(row->default_text), &number))
		assert(!"a default that is no number");
	value.number = (int64_t)number;
	enum result r = value_store(row, &value, base, NULL);
	assert(r == RESULT_OK || r == RESULT_NO_MEMORY);
	return r;
}

enum result
value_copy_text(const struct key_row *row, const struct value *value, char **out, struct problem *p)
{
	if (value->type != VALUE_TEXT)
		return wrong_type(row->element_kind, p);
	enum result r = check_length(1, CONFIG_TEXT_BYTES_MAX, slice_of(value->text), p);
	if (r == RESULT_OK)
		r = check_text(row->element_kind, slice_of(value->text), p);
	if (r == RESULT_OK)
		r = copy_text(row->element_kind, value->text, out, p);
	return r;
}
