/*
 * tag.c: `holdfast tag`: what a tag says, and whether a node would believe it. A tag that is
 * rejected is shown as well, as what it claims.
 */
#include "cli/cli.h"

#include "affinity/tag.h"
#include "base/clock.h"
#include "base/digest.h"
#include "cli/options.h"
#include "cli/service.h"
#include "members/view.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>

#define TAG_LINE_BYTES_MAX 8192 /* of a cookie pasted with its name and attributes */

struct question {
	const char *config;
	const char *service; /* NULL: the one under which it verifies */
	const char *key;     /* NULL: not asked */
	const char *tag;
	bool json;
};

struct answer {
	enum tag_rejection rejection;
	struct tag_inspection tag;
	const struct config *config;
	const struct config_service *service; /* NULL: of several, none under which it verifies */
	struct membership *membership;        /* one reference; NULL without service */
	int64_t age_s;
};

static int
refuse(const struct problem *p)
{
	return cli_refuse(SUBCOMMAND_tag, EXIT_USAGE, p->text);
}

/* ---- the tag as it was given --------------------------------------------------------------- */

static enum result
read_standard_input(char line[TAG_LINE_BYTES_MAX], struct problem *p)
{
	if (fgets(line, TAG_LINE_BYTES_MAX, stdin) == NULL)
		return problem_set(p, RESULT_IO, "standard input: %s",
				   ferror(stdin) != 0 ? strerror(errno) : "no line");
	line[strcspn(line, "\r\n")] = '\0';
	return RESULT_OK;
}

/* "NAME=TAG; Path=/" and "KEY~TAG" are taken, too: neither sign stands in a tag. */
static struct slice
bare_tag(const char *text)
{
	struct slice s = slice_of(text);
	s.bytes = slice_find(s, ';');
	for (size_t i = s.bytes; i-- > 0;) {
		if (s.at[i] == '=' || s.at[i] == '~')
			return slice_trim((struct slice){s.at + i + 1, s.bytes - i - 1});
	}
	return slice_trim(s);
}

/* ---- asking -------------------------------------------------------------------------------- */

static enum result
inspect(struct answer *a, const struct config_service *service, struct slice text,
	struct problem *p)
{
	const struct config *config = a->config;
	struct tag_secret secrets[SECRETS_MAX];
	struct tag_codec *codec;
	for (size_t i = 0; i < config->secret_count; i++)
		secrets[i] =
		    (struct tag_secret){slice_of(config->secrets[i].id), config->secrets[i].master};
	enum result r = tag_codec_create(slice_of(service->name), service->pool_key, secrets,
					 config->secret_count, &codec);
	if (r != RESULT_OK)
		return problem_set(p, r, "no memory");
	a->rejection = tag_inspect(codec, text, &a->tag);
	tag_codec_free(&codec);
	return RESULT_OK;
}

static bool
is_signed_here(enum tag_rejection rejection)
{
	return rejection == TAG_NONE || rejection == TAG_OTHER_POOL;
}

/* Without --service each is asked: a tag verifies under the one that issued it alone. */
static enum result
find_service(struct answer *a, struct slice text, struct problem *p)
{
	for (size_t i = 0; i < a->config->service_count; i++) {
		enum result r = inspect(a, &a->config->services[i], text, p);
		if (r != RESULT_OK)
			return r;
		if (is_signed_here(a->rejection) || a->config->service_count == 1) {
			a->service = &a->config->services[i];
			return RESULT_OK;
		}
	}
	return RESULT_OK;
}

static enum result
ask_service(struct answer *a, const struct question *q, struct slice text, struct problem *p)
{
	if (q->service == NULL)
		return find_service(a, text, p);
	a->service = cli_service_find(a->config, q->service, p);
	return a->service == NULL ? RESULT_NOT_FOUND : inspect(a, a->service, text, p);
}

static enum result
ask(struct answer *a, const struct question *q, struct slice text, struct problem *p)
{
	enum result r = ask_service(a, q, text, p);
	if (r != RESULT_OK)
		return r;
	if (q->key != NULL && a->service == NULL && !is_signed_here(a->rejection))
		return problem_set(p, RESULT_INVALID, "--key: --service NAME is wanted with it");
	if (q->key != NULL && a->rejection == TAG_NONE) {
		struct session_digest digest;
		digest_session(a->service->pool_key, slice_of(q->key), &digest);
		if (!digest_equal(digest.bytes, a->tag.claims.digest.bytes, DIGEST_BYTES))
			a->rejection = TAG_OTHER_SESSION;
	}
	a->age_s = (int64_t)(clock_wall_ms() / 1000) - (int64_t)a->tag.claims.issued_s;
	return a->service != NULL ? membership_create(a->service, &a->membership, p) : RESULT_OK;
}

/* ---- what both forms say ------------------------------------------------------------------- */

static const char *
help_of(enum tag_rejection rejection)
{
	static const char *const texts[] = {
#define TAG_REJECTION(name, text, help) [TAG_##name] = (help),
#include "tbl/tag_rejections.h"
#undef TAG_REJECTION
	};
	return texts[rejection];
}

/* Its id; NULL: no member of the service. */
static const char *
member_text(const struct answer *a, uint32_t alias)
{
	if (a->membership == NULL)
		return NULL;
	uint32_t member = membership_by_alias(a->membership, alias);
	return member == MEMBER_NONE ? NULL : a->membership->member[member].id;
}

static const char *
secret_text(const struct answer *a)
{
	size_t i = a->tag.secret_index;
	return i == SIZE_MAX ? NULL : a->config->secrets[i].id;
}

static const char *
issued_text(const struct answer *a, char text[64])
{
	struct writer w = writer_on(text, 64);
	write_timestamp(&w, (uint64_t)a->tag.claims.issued_s * 1000);
	return writer_text(&w);
}

static const char *
digest_text(const struct answer *a, char text[2 * DIGEST_BYTES + 1])
{
	struct writer w = writer_on(text, 2 * DIGEST_BYTES + 1);
	write_hex_bytes(&w, a->tag.claims.digest.bytes, DIGEST_BYTES);
	return writer_text(&w);
}

/* ---- as text ------------------------------------------------------------------------------- */

static void
print_member(const char *what, const struct answer *a, uint32_t alias)
{
	const char *id = member_text(a, alias);
	if (id != NULL)
		(void)printf("%-10s %s\n", what, id);
	else
		(void)printf("%-10s unknown: alias %08x is no member's\n", what, (unsigned)alias);
}

/* "2 d 3 h", "3 h 4 min", "4 min 5 s" */
static void
print_age(int64_t age_s)
{
	uint64_t s = age_s < 0 ? (uint64_t)-age_s : (uint64_t)age_s;
	unsigned long long days = s / 86400;
	unsigned long long hours = s / 3600 % 24;
	unsigned long long minutes = s / 60 % 60;
	(void)printf("%-10s ", "age");
	if (days > 0)
		(void)printf("%llu d %llu h", days, hours);
	else if (hours > 0)
		(void)printf("%llu h %llu min", hours, minutes);
	else
		(void)printf("%llu min %llu s", minutes, (unsigned long long)s % 60);
	(void)printf("%s\n", age_s < 0 ? " in the future" : "");
}

static void
print_secret(const struct answer *a)
{
	const char *id = secret_text(a);
	if (id == NULL)
		(void)printf("%-10s unknown: number %04x is no secret's\n", "secret",
			     (unsigned)a->tag.secret);
	else
		(void)printf("%-10s %s%s\n", "secret", id,
			     a->tag.secret_index > 0 ? ", not the first: a node issues it anew"
						     : "");
}

static void
print_text(const struct answer *a)
{
	char text[64];
	const struct tag_claims *claims = &a->tag.claims;
	if (a->rejection == TAG_NONE)
		(void)printf("%-10s valid\n", "tag");
	else
		(void)printf("%-10s rejected: %s: %s\n", "tag", tag_rejection_text(a->rejection),
			     help_of(a->rejection));
	if (a->service != NULL)
		(void)printf("%-10s %s\n", "service", a->service->name);
	if (!a->tag.decoded)
		return;
	print_secret(a);
	(void)printf("%-10s %s\n", "digest", digest_text(a, text));
	print_member("primary", a, claims->primary);
	print_member("last", a, claims->last);
	if (claims->rank == TAG_RANK_NONE)
		(void)printf("%-10s none: last stood in no order\n", "rank");
	else
		(void)printf("%-10s %u\n", "rank", (unsigned)claims->rank);
	(void)printf("%-10s %s\n", "issued", issued_text(a, text));
	print_age(a->age_s);
	if (a->service != NULL)
		(void)printf("%-10s %s\n", "pool key",
			     a->tag.pool_matches ? "matches" : "another one");
}

/* ---- as JSON ------------------------------------------------------------------------------- */

static json_t *
member_json(const struct answer *a, uint32_t alias)
{
	char text[2 * sizeof(alias) + 1];
	(void)snprintf(text, sizeof(text), "%08x", (unsigned)alias);
	return json_pack("{s:s?, s:s}", "member", member_text(a, alias), "alias", text);
}

static json_t *
claims_json(const struct answer *a)
{
	char digest[2 * DIGEST_BYTES + 1];
	char issued[64];
	const struct tag_claims *c = &a->tag.claims;
	json_t *rank = c->rank == TAG_RANK_NONE ? json_null() : json_integer(c->rank);
	json_t *pool = a->service == NULL ? json_null() : json_boolean(a->tag.pool_matches);
	return json_pack("{s:s, s:o, s:o, s:o, s:s, s:I, s:o, s:s?, s:b}", "digest",
			 digest_text(a, digest), "primary", member_json(a, c->primary), "last",
			 member_json(a, c->last), "rank", rank, "issued", issued_text(a, issued),
			 "age_s", (json_int_t)a->age_s, "pool_matches", pool, "secret",
			 secret_text(a), "old_secret",
			 a->tag.secret_index != SIZE_MAX && a->tag.secret_index > 0);
}

static enum result
print_json(const struct answer *a)
{
	bool valid = a->rejection == TAG_NONE;
	json_t *root = json_pack("{s:b, s:s?, s:s?, s:o}", "valid", valid, "reason",
				 valid ? NULL : tag_rejection_text(a->rejection), "service",
				 a->service != NULL ? a->service->name : NULL, "claims",
				 a->tag.decoded ? claims_json(a) : json_null());
	if (root == NULL)
		return RESULT_NO_MEMORY;
	bool written = json_dumpf(root, stdout, JSON_INDENT(2)) == 0 && putchar('\n') != EOF;
	json_decref(root);
	return written ? RESULT_OK : RESULT_IO;
}

/* ---- the command --------------------------------------------------------------------------- */

static enum result
set_option(void *context, enum cli_option option, const char *value, struct problem *p)
{
	struct question *q = context;
	(void)p;
	switch (option) {
	case OPTION_CONFIG:
		q->config = value;
		break;
	case OPTION_SERVICE:
		q->service = value;
		break;
	case OPTION_KEY:
		q->key = value;
		break;
	default: /* the table lets no other through */
		q->json = true;
		break;
	}
	return RESULT_OK;
}

static int
answer(const struct config *config, const struct question *q)
{
	struct problem p;
	struct answer a = {.config = config, .rejection = TAG_MALFORMED};
	enum result r = ask(&a, q, bare_tag(q->tag), &p);
	if (r == RESULT_OK && !q->json)
		print_text(&a);
	else if (r == RESULT_OK && print_json(&a) != RESULT_OK)
		r = problem_set(&p, RESULT_IO, "the answer cannot be written");
	membership_unref(&a.membership);
	if (r != RESULT_OK)
		return refuse(&p);
	return a.rejection == TAG_NONE ? EXIT_SUCCESS : EXIT_NEGATIVE;
}

int
cli_tag(int argc, char **argv)
{
	char line[TAG_LINE_BYTES_MAX];
	struct question q = {.config = NULL};
	struct problem p;
	struct cli_operands tags;
	int status = cli_parse(SUBCOMMAND_tag, argc, argv, set_option, &q, &tags);
	if (status != CLI_GO_ON)
		return status;
	if (q.config == NULL || tags.count != 1)
		return cli_refuse(SUBCOMMAND_tag, EXIT_USAGE, "-c FILE and one TAG are wanted");
	bool standard_input = strcmp(tags.at[0], "-") == 0;
	if (standard_input && read_standard_input(line, &p) != RESULT_OK)
		return refuse(&p);
	q.tag = standard_input ? line : tags.at[0];
	struct config *config;
	if (cli_config_load(q.config, CONFIG_FOR_CHECK, &config) != RESULT_OK)
		return EXIT_USAGE;
	status = answer(config, &q);
	config_free(&config);
	return status;
}
