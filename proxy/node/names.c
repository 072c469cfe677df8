/* names.c: see names.h. */
#include "node/names.h"

#include "admin/status.h"
#include "base/clock.h"
#include "base/handover.h"
#include "base/log.h"
#include "members/resolver_ev.h"

#include <event2/event.h>
#include <stdlib.h>
#include <unistd.h>

#define SWAP_PERIOD_MS 1000 /* between two swaps because of names */
#define SHOWN_MAX      4    /* addresses in one line of the log */
#define START_MS_MAX   30000

struct node_names {
	struct node *node;
	struct names book;
	struct resolver *resolver; /* owned; NULL: not started */
	struct event *timer;       /* the next question, or the next swap */
	bool changed;              /* a swap is due */
	uint64_t swapped_ms;
};

/* ---- what is said -----------------------------------------------------------------------------
 */

static void
write_meaning(struct writer *w, const struct name *name)
{
	for (size_t i = 0; i < name->count && i < SHOWN_MAX; i++) {
		write_text(w, i == 0 ? "" : ", ");
		if (name->kind == NAME_HOST)
			write_addr_ip(w, &name->address[i]);
		else
			write_addr(w, &name->target[i].host);
	}
	if (name->count > SHOWN_MAX)
		write_format(w, " and %zu more", name->count - SHOWN_MAX);
}

static void
say(void *context, const struct name *name, enum name_news news)
{
	char text[(SHOWN_MAX + 1) * ADDR_TEXT_BYTES_MAX];
	struct writer w = writer_on(text, sizeof(text));
	(void)context;
	write_meaning(&w, name);
	const char *meaning = writer_text(&w);
	if (news == NAME_CHANGED)
		log_info("name %s: %s", name->text, meaning);
	else if (news == NAME_BACK || news == NAME_BACK_CHANGED)
		log_info("name %s resolves again: %s", name->text, meaning);
	else if (news == NAME_FAILED && name->count > 0)
		log_warn("name %s does not resolve any more, %s: it keeps %s", name->text,
			 name->why, meaning);
	else if (news == NAME_FAILED)
		log_warn("name %s does not resolve: %s: who stands under it is down", name->text,
			 name->why);
}

/* ---- laying -----------------------------------------------------------------------------------
 */

static bool
lay(struct names *book, struct config *config)
{
	const struct name *name;
	bool whole = names_lay(book, config);
	while ((name = names_left_out(book)) != NULL) {
		if (name->left_out > 0)
			log_warn(
			    "name %s: %zu of its answers make no members: an id is the answer "
			    "with its port, of %d bytes at most, and of a name %d answers count",
			    name->text, name->left_out, ID_BYTES_MAX, NAME_ANSWERS_MAX);
		else
			log_info("name %s: all of its answers are members", name->text);
	}
	return whole;
}

/* Every server is asked for two types of address, then for the targets of services. */
static uint64_t
start_limit_ms(const struct config_resolver *r)
{
	size_t servers = r->server_count > 0 ? r->server_count : 3;
	uint64_t ms = r->timeout_ms * 4 * r->tries * servers;
	return ms < START_MS_MAX ? ms : START_MS_MAX;
}

static void start_asking(struct node_names *names);

/* `stop_fd`: as of resolver_settle. */
static enum result
settle_and_lay(struct node *n, struct config *config, uint64_t limit_ms, int stop_fd,
	       struct problem *p)
{
	struct node_names *names = n->names;
	enum result r = RESULT_OK;
	if (!names_want(&names->book, config, clock_ms()))
		return problem_set(p, RESULT_NO_MEMORY, "no memory");
	if (!names_settled(&names->book)) {
		/* The questions that are under way are put again. */
		resolver_free(&names->resolver);
		names_unask(&names->book);
		r = resolver_settle(&names->book, config, limit_ms, stop_fd, say, NULL, p);
		if (names->timer != NULL)
			start_asking(names);
	}
	if (r == RESULT_OK && !lay(&names->book, config))
		r = problem_set(p, RESULT_NO_MEMORY, "no memory");
	return r;
}

enum result
node_names_lay(struct node *n, struct config *config, uint64_t limit_ms, struct problem *p)
{
	return settle_and_lay(n, config, limit_ms, -1, p);
}

/* The process before may hold addresses that nobody tells any more: it is not to be followed now.
 */
static enum result
all_resolve(const struct names *book, struct problem *p)
{
	for (size_t i = 0; i < book->count; i++) {
		const struct name *name = &book->list[i];
		if (name->wanted && name->count == 0)
			return problem_set(p, RESULT_IO, "name %s does not resolve: %s", name->text,
					   name->why);
	}
	return RESULT_OK;
}

enum result
node_names_create(struct node *n, struct config *config, struct problem *p)
{
	n->names = calloc(1, sizeof(*n->names));
	if (n->names == NULL)
		return problem_set(p, RESULT_NO_MEMORY, "no memory");
	n->names->node = n;
	/* Signals wait until the node runs: one that ends it is not to wait for names as well. */
	int stop_fd = node_held_stop();
	enum result r = settle_and_lay(n, config, start_limit_ms(&config->resolver), stop_fd, p);
	if (stop_fd != -1)
		(void)close(stop_fd);
	if (r == RESULT_OK && inherited_link() != -1)
		r = all_resolve(&n->names->book, p);
	return r;
}

/* ---- while it runs ----------------------------------------------------------------------------
 */

static void
set_timer(struct node_names *names)
{
	uint64_t now_ms = clock_ms();
	uint64_t next_ms = names_next_ms(&names->book);
	uint64_t swap_ms = names->swapped_ms + SWAP_PERIOD_MS;
	if (names->changed && swap_ms < next_ms)
		next_ms = swap_ms;
	if (names->timer == NULL || next_ms == UINT64_MAX)
		return;
	uint64_t wait_ms = next_ms > now_ms ? next_ms - now_ms : 0;
	struct timeval wait = {.tv_sec = (time_t)(wait_ms / 1000),
			       .tv_usec = (suseconds_t)(wait_ms % 1000 * 1000)};
	(void)evtimer_add(names->timer, &wait);
}

static void
on_answer(void *context, enum name_kind kind, const char *text, const struct name_answer *answer)
{
	struct node_names *names = context;
	const struct config_resolver *config = &names->node->services->config->resolver;
	enum name_news news = names_answer(&names->book, kind, text, answer, config, clock_ms());
	const struct name *name = names_find(&names->book, kind, text);
	if (name != NULL && news != NAME_SAME)
		say(NULL, name, news);
	names->changed |= news == NAME_CHANGED || news == NAME_BACK_CHANGED;
	set_timer(names);
}

/* Does what is known differ from what is laid? A name may have got one more address that nobody
 * uses. */
static bool
is_news(const struct config *a, const struct config *b)
{
	for (size_t i = 0; i < a->service_count; i++) {
		const struct config_service *x = &a->services[i];
		const struct config_service *y = &b->services[i];
		if (x->member_count != y->member_count)
			return true;
		for (size_t m = 0; m < x->member_count; m++) {
			if (strcmp(x->members[m].id, y->members[m].id) != 0 ||
			    x->members[m].weight != y->members[m].weight ||
			    !addr_equal(&x->members[m].resolved, &y->members[m].resolved))
				return true;
		}
	}
	return false;
}

static void
swap(struct node_names *names)
{
	struct node *n = names->node;
	char text[256];
	struct writer changed = writer_on(text, sizeof(text));
	struct problem p = {""};
	struct config *next = config_copy(n->services->config);
	names->changed = false;
	names->swapped_ms = clock_ms();
	bool whole =
	    next != NULL && names_want(&names->book, next, clock_ms()) && lay(&names->book, next);
	if (whole && is_news(n->services->config, next)) {
		if (node_swap(n, &next, &changed, &p) == RESULT_OK)
			log_info("names: %.*s", (int)changed.bytes, changed.at);
		else
			log_error("names: %s", p.text);
	} else if (!whole) {
		names->changed = true; /* without memory: later */
	}
	config_free(&next);
}

static void
on_timer(evutil_socket_t fd, short what, void *context)
{
	struct node_names *names = context;
	uint64_t now_ms = clock_ms();
	struct name *name;
	(void)fd;
	(void)what;
	if (names->changed && now_ms >= names->swapped_ms + SWAP_PERIOD_MS &&
	    !names->node->stopping)
		swap(names);
	if (names->resolver == NULL)
		return;
	while ((name = names_due(&names->book, now_ms)) != NULL)
		resolver_ask(names->resolver, name->kind, name->text);
	set_timer(names);
}

enum result
node_names_start(struct node *n, struct problem *p)
{
	struct node_names *names = n->names;
	names->timer = evtimer_new(n->base, on_timer, names);
	if (names->timer == NULL)
		return problem_set(p, RESULT_NO_MEMORY, "no memory");
	node_names_swapped(n);
	return RESULT_OK;
}

static void
start_asking(struct node_names *names)
{
	struct problem p = {""};
	resolver_free(&names->resolver);
	names_unask(&names->book);
	if (names->book.count == 0)
		return;
	if (resolver_create(names->node->base, &names->node->services->config->resolver, on_answer,
			    names, &names->resolver, &p) != RESULT_OK)
		log_error("names are not asked for any more: %s", p.text);
	set_timer(names);
}

void
node_names_swapped(struct node *n)
{
	struct node_names *names = n->names;
	if (names->timer == NULL)
		return;
	if (names_want(&names->book, n->services->config, clock_ms()))
		names_forget(&names->book);
	start_asking(names);
}

void
node_names_stop(struct node *n)
{
	if (n->names == NULL)
		return;
	resolver_free(&n->names->resolver);
	if (n->names->timer != NULL)
		event_free(n->names->timer);
	n->names->timer = NULL;
}

void
node_names_free(struct node *n)
{
	node_names_stop(n);
	if (n->names != NULL)
		names_deinit(&n->names->book);
	free(n->names);
	n->names = NULL;
}

enum result
node_names_status(const struct node *n, struct status *out)
{
	const struct names *book = &n->names->book;
	uint64_t now_ms = clock_ms();
	out->name = status_alloc(out, (book->count + 1) * sizeof(*out->name));
	if (out->name == NULL)
		return RESULT_NO_MEMORY;
	for (; out->name_count < book->count; out->name_count++) {
		const struct name *name = &book->list[out->name_count];
		char text[(SHOWN_MAX + 1) * ADDR_TEXT_BYTES_MAX];
		struct writer w = writer_on(text, sizeof(text));
		write_meaning(&w, name);
		out->name[out->name_count] = (struct status_name){
		    .name = name->text,
		    .means = status_text(out, writer_text(&w)),
		    .why = name->failing ? status_text(out, name->why) : NULL,
		    .for_ms = now_ms - name->since_ms,
		    .failures = name->failures,
		};
	}
	return RESULT_OK;
}
