/* epochs_host.c: what the machine of epochs asks of its node; see cluster/epoch.h. */
#include "node/epochs_inside.h"

#include "base/log.h"
#include "cluster/kept.h"

#include <stdio.h>

enum result
node_epochs_read_version(const struct document *d, struct roster **roster,
			 struct epoch_version *out, struct problem *p)
{
	enum result r = roster_read((struct slice){(const char *)d->at, d->bytes}, roster, p);
	if (r != RESULT_OK)
		return r;
	*out = (struct epoch_version){.epoch = (*roster)->epoch, .term = (*roster)->term};
	memcpy(out->digest, d->digest, sizeof(out->digest));
	return RESULT_OK;
}

static enum result
host_read(void *self, const struct document *d, struct epoch_version *out, struct problem *p)
{
	struct roster *roster;
	(void)self;
	enum result r = node_epochs_read_version(d, &roster, out, p);
	roster_free(&roster);
	return r;
}

/* With this epoch, checked as a file would be, and its bytes. */
static enum result
seal(struct node_epochs *e, struct roster *roster, struct document **out, struct problem *p)
{
	const struct config *config = e->node->services->config;
	struct config *tried;
	struct grow text;
	(void)snprintf(roster->master, sizeof(roster->master), "%s",
		       e->nodes.node[e->nodes.self].id);
	(void)snprintf(roster->cluster, sizeof(roster->cluster), "%s", config->cluster.name);
	for (size_t i = 0; i < roster->rank_count; i++) {
		cluster_node n = 0;
		while (n < e->nodes.count &&
		       strcmp(e->nodes.node[n].id, roster->ranks[i].node) != 0)
			n++;
		if (n == e->nodes.count)
			return problem_set(p, RESULT_NOT_FOUND, "no such node");
	}
	enum result r = config_with_roster(config, roster, &tried, p);
	config_free(&tried);
	if (r != RESULT_OK)
		return r;
	grow_init(&text, ROSTER_BYTES_MAX);
	roster_write(roster, &text);
	*out = text.failed ? NULL : document_create(text.at, text.bytes);
	if (*out == NULL)
		r = problem_set(p, RESULT_LIMIT,
				"the membership has %zu bytes at most, or no memory",
				ROSTER_BYTES_MAX);
	grow_deinit(&text);
	return r;
}

static enum result
change(const struct node_epochs *e, struct slice text, struct roster **next, bool *same,
       struct problem *p)
{
	const struct roster *base = node_epochs_newest(e) != NULL ? node_epochs_newest(e) : e->file;
	*same = false;
	if (!node_epochs_is_publish(text))
		return roster_change(base, text, next, same, p);
	*next = roster_copy(e->file);
	return *next == NULL ? problem_set(p, RESULT_NO_MEMORY, "no memory") : RESULT_OK;
}

static enum result
host_make(void *self, struct slice text, uint64_t epoch, uint64_t term, struct document **out,
	  struct problem *p)
{
	struct node_epochs *e = self;
	struct roster *next;
	bool same;
	*out = NULL;
	enum result r = change(e, text, &next, &same, p);
	if (r == RESULT_OK && !same) {
		next->epoch = epoch;
		next->term = term;
		r = seal(e, next, out, p);
	}
	roster_free(&next);
	return r;
}

void
node_epochs_drop_coming(struct node_epochs *e)
{
	roster_free(&e->coming);
	config_free(&e->next);
}

static bool
host_adopt(void *self, struct document *d, const struct epoch_version *version)
{
	struct node_epochs *e = self;
	struct epoch_version same;
	struct roster *roster = NULL;
	struct config *laid = NULL;
	struct problem p = {""};
	enum result r = node_epochs_read_version(d, &roster, &same, &p);
	if (r == RESULT_OK)
		r = config_with_roster(e->node->services->config, roster, &laid, &p);
	if (r != RESULT_OK) {
		roster_free(&roster);
		log_error("membership of epoch %llu cannot be used here: %s",
			  (unsigned long long)version->epoch, p.text);
		return false;
	}
	if (kept_write(e->node->services->config->state_dir, d, &p) != RESULT_OK)
		log_error("membership of epoch %llu is not kept: %s",
			  (unsigned long long)version->epoch, p.text);
	node_epochs_drop_coming(e);
	e->coming = roster;
	e->next = laid;
	if (e->plane != NULL)
		plane_set_epoch(e->plane, version->epoch);
	event_active(e->bell, EV_TIMEOUT, 0);
	return true;
}

static void
host_fetch(void *self, cluster_node from, uint64_t epoch)
{
	struct node_epochs *e = self;
	(void)epoch;
	e->wanted = from;
	event_active(e->bell, EV_TIMEOUT, 0);
}

static void
host_done(void *self, uint64_t ticket, enum epoch_outcome outcome, uint64_t epoch, const char *why)
{
	struct node_epochs *e = self;
	if (e->done_count == DONE_MAX)
		return; /* who asked has a time limit */
	struct node_done *d = &e->done[e->done_count++];
	*d = (struct node_done){e->call, ticket, outcome, epoch, ""};
	(void)snprintf(d->why, sizeof(d->why), "%s", why);
	event_active(e->bell, EV_TIMEOUT, 0);
}

struct epoch_host
node_epochs_host(struct node_epochs *e)
{
	return (struct epoch_host){.self = e,
				   .read = host_read,
				   .make = host_make,
				   .adopt = host_adopt,
				   .fetch = host_fetch,
				   .done = host_done};
}
