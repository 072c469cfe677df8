/* page.c: see page.h. */
#include "admin/page.h"

#include "admin/page_assets.h"
#include "base/clock.h"

#include <inttypes.h>

/* For element content and quoted attributes alike. */
static void
escaped(struct grow *out, const char *text)
{
	for (const char *at = text; *at != '\0'; at++) {
		if (*at == '&')
			grow_text(out, "&amp;");
		else if (*at == '<')
			grow_text(out, "&lt;");
		else if (*at == '>')
			grow_text(out, "&gt;");
		else if (*at == '"')
			grow_text(out, "&quot;");
		else if (*at == '\'')
			grow_text(out, "&#39;");
		else
			grow_bytes(out, at, 1);
	}
}

static void
cell(struct grow *out, const char *text)
{
	grow_text(out, "<td>");
	escaped(out, text);
	grow_text(out, "</td>");
}

static void
number(struct grow *out, uint64_t value)
{
	grow_format(out, "<td class=n>%" PRIu64 "</td>", value);
}

/* "3 d 4 h", "2 min 5 s", "1.5 s". */
static void
duration(struct grow *out, uint64_t ms)
{
	uint64_t s = ms / 1000;
	if (s < 60)
		grow_format(out, "%" PRIu64 ".%" PRIu64 " s", s, ms % 1000 / 100);
	else if (s < 3600)
		grow_format(out, "%" PRIu64 " min %" PRIu64 " s", s / 60, s % 60);
	else if (s < 86400)
		grow_format(out, "%" PRIu64 " h %" PRIu64 " min", s / 3600, s % 3600 / 60);
	else
		grow_format(out, "%" PRIu64 " d %" PRIu64 " h", s / 86400, s % 86400 / 3600);
}

/* A bar a check, in runs of one colour: high and green well, low and red failed. */
static void
bars(struct grow *out, const struct status_history *h)
{
	char before = '\0';
	grow_format(out, "<td class=h title=\"%" PRIu64 " checks well, %" PRIu64 " failed\">",
		    h->well, h->failed);
	for (const char *at = h->last; at != NULL && *at != '\0'; at++) {
		if (*at != before && before != '\0')
			grow_text(out, "</span>");
		if (*at != before)
			grow_text(out, *at == '1' ? "<span class=up>" : "<span class=down>");
		grow_text(out, *at == '1' ? "&#9615;" : "&#9601;");
		before = *at;
	}
	grow_text(out, before != '\0' ? "</span></td>" : "-</td>");
}

/* The weight, and the share of new sessions where that is another one. */
static void
weight_cell(struct grow *out, const struct status_member *m)
{
	grow_format(out, "<td class=n>%" PRIu32, m->weight);
	if (m->share != m->weight * 100)
		grow_format(out, " (now %" PRIu32 ".%02" PRIu32 ")", m->share / 100,
			    m->share % 100);
	grow_text(out, "</td>");
}

static void
member_row(struct grow *out, const struct status_member *m)
{
	const char *state = member_state_text(m->state);
	grow_text(out, "<tr>");
	cell(out, m->id);
	cell(out, m->origin);
	cell(out, m->zone != NULL ? m->zone : "-");
	weight_cell(out, m);
	grow_format(out, "<td class=%s>%s</td><td>", state, state);
	if (m->reason != REASON_NONE)
		escaped(out, reason_text(m->reason));
	grow_text(out, "</td><td>");
	duration(out, m->state_ms);
	grow_text(out, "</td>");
	cell(out, !m->check.any ? "-" : m->check.well ? "well" : m->check.seen);
	bars(out, &m->history);
	number(out, m->active);
	number(out, m->attempts);
	number(out, m->failures);
	grow_text(out, "</tr>\n");
}

static void
requests_line(struct grow *out, const struct tally_sum *t)
{
	uint64_t all = 0;
	uint64_t errors = 0;
	for (size_t i = 0; i < CAUSES; i++) {
		all += t->cause[i];
		errors += cause_table[i].is_error ? t->cause[i] : 0;
	}
	grow_format(out,
		    "<p>%" PRIu64 " requests, %" PRIu64 " ended by an error, %" PRIu64 " retries",
		    all, errors, t->retries);
	for (size_t i = AFFINITY_NEW; i < AFFINITIES; i++)
		grow_format(out, ", %" PRIu64 " %s", t->affinity[i],
			    affinity_text((enum affinity)i));
	grow_text(out, "</p>\n");
}

static void
service_part(struct grow *out, const struct status_service *s)
{
	grow_text(out, "<section><h2>");
	escaped(out, s->name);
	grow_format(out, "</h2>\n<p>pool %016" PRIx64 "</p>\n", s->pool);
	requests_line(out, &s->tally);
	grow_text(
	    out,
	    "<table><thead><tr><th>member</th><th>origin</th><th>zone</th>"
	    "<th class=n>weight</th><th>state</th><th>reason</th><th>for</th>"
	    "<th>last check</th><th>checks</th><th class=n>active</th><th class=n>attempts</th>"
	    "<th class=n>failed</th></tr></thead><tbody>\n");
	for (size_t i = 0; i < s->member_count; i++)
		member_row(out, &s->member[i]);
	grow_text(out, "</tbody></table></section>\n");
}

/* Names that do not resolve. */
static void
names_part(struct grow *out, const struct status *s)
{
	for (size_t i = 0; i < s->name_count; i++) {
		const struct status_name *n = &s->name[i];
		if (n->why == NULL)
			continue;
		grow_text(out, "<p>name ");
		escaped(out, n->name);
		grow_text(out, " does not resolve: ");
		escaped(out, n->why);
		grow_text(out, n->means[0] != '\0' ? ", it keeps " : "");
		escaped(out, n->means);
		grow_text(out, "</p>\n");
	}
}

static void
cluster_part(struct grow *out, const struct status_cluster *c)
{
	grow_text(out, "<p>cluster ");
	escaped(out, c->name);
	grow_text(out, ": this node is ");
	escaped(out, c->self);
	grow_format(out, " (%s), the master is ", c->state);
	escaped(out, c->master != NULL ? c->master : "nobody");
	grow_format(out, ", term %" PRIu64 ", for ", c->term);
	duration(out, c->master_ms);
	grow_text(out, "; last heard:");
	for (size_t i = 0; i < c->node_count; i++) {
		const struct status_node *n = &c->node[i];
		if (n->self)
			continue;
		grow_text(out, " ");
		escaped(out, n->id);
		if (n->heard_ms == STATUS_NEVER)
			grow_text(out, " never");
		else
			grow_format(out, " %" PRIu64 " ms ago", n->heard_ms);
	}
	grow_text(out, "</p>\n");
}

static void
node_part(struct grow *out, const struct status *s)
{
	char time[32];
	struct writer w = writer_on(time, sizeof(time));
	write_timestamp(&w, s->wall_ms);
	grow_text(out, "<h1>Holdfast ");
	escaped(out, s->node != NULL ? s->node : "");
	grow_format(out, "</h1>\n<p>version %s, process %d, up for ", s->version, s->process.pid);
	duration(out, s->uptime_ms);
	grow_format(out, "%s, at %s</p>\n<p>configuration ", s->stopping ? ", stopping" : "",
		    writer_text(&w));
	escaped(out, s->config_file);
	grow_text(out, ", loaded ");
	duration(out, s->config_ms);
	grow_format(out,
		    " ago; %u workers, %u client connections; lines lost: %" PRIu64
		    " of the failover log, %" PRIu64 " of the access log</p>\n",
		    s->workers, s->clients, s->failover_lost, s->access_lost);
	names_part(out, s);
	if (s->cluster != NULL)
		cluster_part(out, s->cluster);
}

/* Up to <main>. A browser that runs no scripts asks anew now and then. */
static void
begin(struct grow *out, const char *nonce, bool wants_token)
{
	grow_format(out,
		    "<!DOCTYPE html>\n<html lang=en><head><meta charset=utf-8>"
		    "<noscript><meta http-equiv=refresh content=%d></noscript>"
		    "<meta name=viewport content=\"width=device-width\">"
		    "<title>Holdfast</title><style nonce=\"%s\">\n",
		    PAGE_REFRESH_S, nonce);
	grow_slice(out, page_style());
	grow_format(out,
		    "</style></head>\n<body%s><header><strong>Holdfast</strong></header>\n<main>\n",
		    wants_token ? " data-token=wanted" : "");
}

static void
end(struct grow *out, const char *nonce)
{
	grow_format(out, "</main>\n<script nonce=\"%s\">\n", nonce);
	grow_slice(out, page_script());
	grow_text(out, "</script></body></html>\n");
}

void
page_write(const struct status *s, const char *nonce, struct grow *out)
{
	begin(out, nonce, false);
	node_part(out, s);
	for (size_t i = 0; i < s->service_count; i++)
		service_part(out, &s->service[i]);
	end(out, nonce);
}

void
page_write_shell(const char *nonce, struct grow *out)
{
	begin(out, nonce, true);
	grow_text(out, "<p>A token is wanted.</p>\n");
	end(out, nonce);
}
