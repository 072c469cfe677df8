/* hook.c: see hook.h. */
#include "cluster/hook.h"

#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

/* What is to be told. */
struct told {
	bool any;
	uint32_t limit_ms;
	struct hook_news news;
};

struct hooks {
	struct starter *starter;     /* borrowed */
	char *program[STARTER_JOBS]; /* owned; of the two jobs that are hooks; NULL: none */
	bool runs;                   /* or is about to */
	uint32_t limit_ms;           /* of the one that runs */
	struct told waits;
};

static void
say_end(const struct hooks *h, const struct starter_news *news)
{
	const char *program = h->program[news->job];
	int status = news->status;
	if (news->late)
		log_warn("cluster: %s took longer than %u ms and is killed", program, h->limit_ms);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		log_info("cluster: %s has run", program);
	else if (WIFEXITED(status))
		log_warn("cluster: %s ended with %d", program, WEXITSTATUS(status));
	else
		log_warn("cluster: %s ended by signal %d", program, WTERMSIG(status));
}

/* The next one, if none runs. */
static void
start(struct hooks *h)
{
	if (h->runs || !h->waits.any)
		return;
	const struct told told = h->waits;
	const struct starter_order order = {
	    .job = told.news.master ? STARTER_ON_MASTER : STARTER_ON_BACKUP,
	    .number_count = 2,
	    .number = {told.news.rank, told.news.term},
	    .limit_ms = told.limit_ms,
	    .fd = -1,
	};
	h->waits.any = false;
	h->limit_ms = told.limit_ms;
	h->runs = starter_start(h->starter, &order);
	if (!h->runs)
		log_error("cluster: %s: who starts programs is no more", h->program[order.job]);
}

void
hooks_hear(struct hooks *h, const struct starter_news *news)
{
	if (h->program[news->job] == NULL || (news->error == 0 && !news->ended))
		return;
	if (news->error != 0)
		log_error("cluster: %s: %s", h->program[news->job], strerror(news->error));
	else
		say_end(h, news);
	h->runs = false;
	start(h);
}

void
hooks_tell(struct hooks *h, uint32_t limit_ms, const struct hook_news *news)
{
	enum starter_job job = news->master ? STARTER_ON_MASTER : STARTER_ON_BACKUP;
	h->waits.any = h->program[job] != NULL;
	if (!h->waits.any)
		return;
	h->waits = (struct told){.any = true, .limit_ms = limit_ms, .news = *news};
	start(h);
}

static bool
copy(const char *text, char **out)
{
	*out = text == NULL ? NULL : strdup(text);
	return text == NULL || *out != NULL;
}

struct hooks *
hooks_create(struct starter *starter, const struct config_cluster *cluster)
{
	struct hooks *h = calloc(1, sizeof(*h));
	if (h == NULL)
		return NULL;
	h->starter = starter;
	if (!copy(cluster->on_master, &h->program[STARTER_ON_MASTER]) ||
	    !copy(cluster->on_backup, &h->program[STARTER_ON_BACKUP]))
		hooks_free(&h);
	return h;
}

void
hooks_free(struct hooks **held)
{
	struct hooks *h = *held;
	*held = NULL;
	if (h == NULL)
		return;
	free(h->program[STARTER_ON_MASTER]);
	free(h->program[STARTER_ON_BACKUP]);
	free(h);
}
