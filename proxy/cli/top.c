/*
 * top.c: `holdfast top`: a live view of a running node, or one answer of it.
 *
 *   node --node_client--> top_model (rates) --top_draw--> terminal --keys--> top_screen
 *
 * One thread: a question that a node does not answer is given up as soon as a key or a signal
 * comes, and put again.
 */
#include "cli/cli.h"

#include "base/clock.h"
#include "cli/asking.h"
#include "cli/service.h"
#include "cli/top_draw.h"
#include "cli/top_terminal.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#define INTERVAL_DEFAULT_MS 1000
#define INTERVAL_MIN_MS     100
#define INTERVAL_MAX_MS     3600000
#define ANSWER_MS           2000 /* a node that takes longer is said to be away */
#define NAME_BYTES          (2 * HISTOGRAM_NAME_BYTES + 2)

struct top {
	const char *config;
	const char *admin;
	const char *token_file;
	const char *service;
	const char *node; /* id or address; NULL: see config, admin */
	const char *color;
	uint64_t interval_ms;
	bool once;
	bool json;
	struct node_client *client;
	struct top_model model;
	struct top_screen screen;
	char selected[NAME_BYTES];
	struct problem away; /* "": it answers */
	uint64_t away_since_ms;
};

/* ---- options ----------------------------------------------------------------------------------
 */

static enum result
set_interval(struct top *t, const char *value, struct problem *p)
{
	if (duration_parse(slice_of(value), &t->interval_ms, p) != RESULT_OK ||
	    t->interval_ms < INTERVAL_MIN_MS || t->interval_ms > INTERVAL_MAX_MS)
		return problem_set(p, RESULT_INVALID, "--interval: \"100ms\" to \"1h\" is wanted");
	return RESULT_OK;
}

static enum result
set_color(struct top *t, const char *value, struct problem *p)
{
	t->color = value;
	if (strcmp(value, "auto") == 0 || strcmp(value, "always") == 0 ||
	    strcmp(value, "never") == 0)
		return RESULT_OK;
	return problem_set(p, RESULT_INVALID, "--color: auto, always or never is wanted");
}

static enum result
set_option(void *context, enum cli_option option, const char *value, struct problem *p)
{
	struct top *t = context;
	switch (option) {
	case OPTION_CONFIG:
		t->config = value;
		return RESULT_OK;
	case OPTION_ADMIN:
		t->admin = value;
		return RESULT_OK;
	case OPTION_TOKEN_FILE:
		t->token_file = value;
		return RESULT_OK;
	case OPTION_SERVICE:
		t->service = value;
		return RESULT_OK;
	case OPTION_INTERVAL:
		return set_interval(t, value, p);
	case OPTION_COLOR:
		return set_color(t, value, p);
	case OPTION_ONCE:
		t->once = true;
		return RESULT_OK;
	default: /* the table lets no other through */
		t->json = true;
		return RESULT_OK;
	}
}

/* https://no-color.org: what the variable says does not matter, but that it is not empty. */
static bool
wants_color(const struct top *t)
{
	const char *no = getenv("NO_COLOR");
	if (t->color != NULL && strcmp(t->color, "auto") != 0)
		return strcmp(t->color, "always") == 0;
	return no == NULL || *no == '\0';
}

/* ---- asking -----------------------------------------------------------------------------------
 */

/* One answer. RESULT_LIMIT: interrupted; RESULT_IO: none; RESULT_INVALID: one that refuses. */
static enum result
ask(struct top *t, struct top_sample *out, struct problem *p)
{
	struct node_answer answer;
	struct slice page;
	int status = 0;
	*out = (struct top_sample){.status = NULL};
	histograms_init(&out->latencies);
	enum result r = node_client_ask(t->client, "GET", "/status", &answer, p);
	if (r == RESULT_OK)
		r = node_answer_check(t->client, &answer, p);
	if (r == RESULT_OK)
		r = node_client_read(t->client, "/metrics", &status, &page, p);
	if (r == RESULT_OK && status == 200 && !histograms_read(&out->latencies, page))
		r = problem_set(p, RESULT_NO_MEMORY, "no memory");
	out->status = answer.json;
	if (r != RESULT_OK)
		top_sample_deinit(out);
	return r;
}

/* What a node says now, into the model; or since when it says nothing. */
static enum result
refresh(struct top *t)
{
	struct top_sample sample;
	struct problem p = {""};
	uint64_t began_ms = clock_ms();
	enum result r = ask(t, &sample, &p);
	if (r == RESULT_OK) {
		t->away = (struct problem){""};
		if (!top_model_take(&t->model, &sample, t->service))
			return problem_set(&t->away, RESULT_NO_MEMORY, "no memory");
		top_model_sort(&t->model, t->screen.sort, t->screen.reverse);
	} else if (r != RESULT_LIMIT) {
		if (t->away.text[0] == '\0')
			t->away_since_ms = began_ms;
		t->away = p;
	}
	return r;
}

static bool
has_service(const struct top *t)
{
	return t->service == NULL || t->model.now.status == NULL || t->model.service_count > 0;
}

/* ---- once -------------------------------------------------------------------------------------
 */

static int
refuse(enum result r, const struct problem *p)
{
	return cli_refuse(SUBCOMMAND_top,
			  r == RESULT_IO || r == RESULT_NOT_FOUND ? EXIT_NEGATIVE : EXIT_USAGE,
			  p->text);
}

static void
sleep_ms(uint64_t ms)
{
	struct timespec left = {.tv_sec = (time_t)(ms / 1000),
				.tv_nsec = (long)(ms % 1000) * 1000000};
	while (nanosleep(&left, &left) == -1 && errno == EINTR)
		;
}

/* Two answers, an interval apart, so that there are rates. */
static int
show_once(struct top *t)
{
	for (int i = 0; i < 2; i++) {
		if (i > 0)
			sleep_ms(t->interval_ms);
		enum result r = refresh(t);
		if (r != RESULT_OK)
			return refuse(r, &t->away);
		if (!has_service(t))
			return cli_refuse(SUBCOMMAND_top, EXIT_NEGATIVE,
					  "--service: no such service");
	}
	if (!t->json) {
		top_print(&t->model, &t->screen, stdout);
		return EXIT_SUCCESS;
	}
	json_t *told = top_model_json(&t->model);
	if (told != NULL)
		(void)json_dumpf(told, stdout, JSON_INDENT(2));
	(void)printf("\n");
	json_decref(told);
	return EXIT_SUCCESS;
}

/* ---- live -------------------------------------------------------------------------------------
 */

static void
draw(struct top *t, const struct terminal *terminal)
{
	struct grow out;
	t->screen.columns =
	    terminal->columns < TOP_COLUMNS_MAX ? terminal->columns : TOP_COLUMNS_MAX;
	t->screen.lines = terminal->lines < TOP_LINES_MAX ? terminal->lines : TOP_LINES_MAX;
	t->screen.away = t->away.text[0] != '\0' ? t->away.text : NULL;
	t->screen.away_ms = clock_ms() - t->away_since_ms;
	grow_init(&out, TOP_BYTES_MAX);
	top_draw(&t->model, &t->screen, &out);
	if (!out.failed)
		terminal_write(out.at, out.bytes);
	grow_deinit(&out);
}

/* By so many places, as far as there are members. */
static void
select_by(struct top *t, long by)
{
	struct writer w = writer_on(t->selected, sizeof(t->selected));
	long count = (long)t->model.member_count;
	long place = (long)top_selected(&t->model, &t->screen) + by;
	if (count == 0)
		return;
	place = place < 0 ? 0 : place >= count ? count - 1 : place;
	top_member_name(&t->model.member[place], &w);
	t->screen.selected = writer_text(&w);
}

static void
sort_by(struct top *t, enum top_sort sort, bool reverse)
{
	/* The same member stays selected, wherever it goes. */
	select_by(t, 0);
	t->screen.sort = sort;
	t->screen.reverse = reverse;
	top_model_sort(&t->model, sort, reverse);
}

/* False: it is to end. */
static bool
press(struct top *t, enum top_key key)
{
	struct top_screen *s = &t->screen;
	long page = s->lines > 12 ? (long)s->lines - 12 : 1;
	switch (key) {
	case TOP_KEY_QUIT:
		return false;
	case TOP_KEY_UP:
	case TOP_KEY_DOWN:
		select_by(t, key == TOP_KEY_UP ? -1 : 1);
		break;
	case TOP_KEY_PAGE_UP:
	case TOP_KEY_PAGE_DOWN:
		select_by(t, key == TOP_KEY_PAGE_UP ? -page : page);
		break;
	case TOP_KEY_HOME:
	case TOP_KEY_END:
		select_by(t, (key == TOP_KEY_HOME ? -1 : 1) * (long)t->model.member_count);
		break;
	case TOP_KEY_ENTER:
		select_by(t, 0);
		s->page = s->page == TOP_PAGE_MEMBERS ? TOP_PAGE_MEMBER : TOP_PAGE_MEMBERS;
		break;
	case TOP_KEY_BACK:
		s->page = TOP_PAGE_MEMBERS;
		break;
	case TOP_KEY_HELP:
		s->page = s->page == TOP_PAGE_HELP ? TOP_PAGE_MEMBERS : TOP_PAGE_HELP;
		break;
	case TOP_KEY_SORT:
		sort_by(t, (enum top_sort)((s->sort + 1) % TOP_SORTS), s->reverse);
		break;
	case TOP_KEY_REVERSE:
		sort_by(t, s->sort, !s->reverse);
		break;
	case TOP_KEY_PAUSE:
		s->paused = !s->paused;
		break;
	default:
		break;
	}
	return true;
}

static bool
press_all(struct top *t, const struct terminal *terminal)
{
	struct slice typed = {terminal->typed, terminal->typed_bytes};
	while (typed.bytes > 0) {
		if (!press(t, top_key_next(&typed)))
			return false;
	}
	return true;
}

/* Until it is to end. */
static void
look(struct top *t, struct terminal *terminal)
{
	uint64_t next_ms = 0;
	for (;;) {
		uint64_t now_ms = clock_ms();
		if (!t->screen.paused && now_ms >= next_ms && refresh(t) != RESULT_LIMIT)
			next_ms = clock_ms() + t->interval_ms;
		draw(t, terminal);
		now_ms = clock_ms();
		int wait_ms = next_ms > now_ms ? (int)(next_ms - now_ms) : 0;
		switch (terminal_wait(terminal, t->screen.paused ? -1 : wait_ms)) {
		case TERMINAL_TYPED:
			if (!press_all(t, terminal))
				return;
			break;
		case TERMINAL_INTERRUPTED:
		case TERMINAL_KILLED:
			return;
		default:
			break;
		}
	}
}

/* As who sent it expects. */
static void
end_by(int number)
{
	sigset_t set;
	(void)signal(number, SIG_DFL);
	(void)sigemptyset(&set);
	(void)sigaddset(&set, number);
	(void)raise(number);
	(void)sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static int
show_live(struct top *t)
{
	struct terminal terminal;
	struct problem p = {""};
	/* What is wrong with the question is said before the screen is taken; who is away may come.
	 */
	enum result r = refresh(t);
	if (r != RESULT_OK && r != RESULT_IO)
		return refuse(r, &t->away);
	if (!has_service(t))
		return cli_refuse(SUBCOMMAND_top, EXIT_NEGATIVE, "--service: no such service");
	if (terminal_open(&terminal, &p) != RESULT_OK)
		return cli_refuse(SUBCOMMAND_top, EXIT_USAGE, p.text);
	node_client_attend(t->client, terminal.events, ANSWER_MS);
	look(t, &terminal);
	terminal_close(&terminal);
	if (terminal.killed != 0)
		end_by(terminal.killed);
	return EXIT_SUCCESS;
}

/* ---- the command ------------------------------------------------------------------------------
 */

/* CLI_GO_ON, or the exit status. */
static int
open_node(struct top *t)
{
	struct asking a = {.command = SUBCOMMAND_top,
			   .config = t->config,
			   .admin = t->admin,
			   .token_file = t->token_file};
	struct config *config = NULL;
	if (t->node == NULL)
		return asking_open(&a, &t->client);
	if (t->config != NULL &&
	    cli_config_load(t->config, CONFIG_FOR_EXPLAIN, &config) != RESULT_OK)
		return EXIT_USAGE;
	int status = asking_open_node(&a, config, t->node, &t->client);
	config_free(&config);
	return status;
}

int
cli_top(int argc, char **argv)
{
	struct top t = {.interval_ms = INTERVAL_DEFAULT_MS};
	struct cli_operands rest;
	int status = cli_parse(SUBCOMMAND_top, argc, argv, set_option, &t, &rest);
	if (status != CLI_GO_ON)
		return status;
	if (rest.count > 1 || (t.admin != NULL && (t.config != NULL || rest.count > 0)))
		return cli_refuse(
		    SUBCOMMAND_top, EXIT_USAGE,
		    "one node at most is wanted: --admin HOST:PORT, or -c FILE, or NODE");
	t.node = rest.count > 0 ? rest.at[0] : NULL;
	status = open_node(&t);
	if (status != CLI_GO_ON)
		return status;
	top_model_init(&t.model);
	node_client_attend(t.client, -1, ANSWER_MS);
	t.screen = (struct top_screen){.color = wants_color(&t),
				       .interval_ms = t.interval_ms,
				       .where = node_client_name(t.client)};
	status = t.once || t.json ? show_once(&t) : show_live(&t);
	top_model_deinit(&t.model);
	node_client_free(&t.client);
	return status;
}
