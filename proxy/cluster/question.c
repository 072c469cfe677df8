/* question.c: see question.h. */
#include "cluster/question.h"

#include <stdio.h>

/* ---- the question -----------------------------------------------------------------------------
 */

static cluster_node
node_of(const struct cluster_nodes *nodes, struct slice id)
{
	for (cluster_node n = 0; n < nodes->count; n++) {
		if (slice_equal(slice_of(nodes->node[n].id), id))
			return n;
	}
	return NODE_NONE;
}

/* RFC 3986 section 2.1. False: badly encoded, or longer than an id. */
static bool
decode(struct slice text, char out[ID_BYTES_MAX], struct slice *decoded)
{
	size_t bytes = 0;
	for (size_t i = 0; i < text.bytes; i++) {
		uint8_t c = (uint8_t)text.at[i];
		bool escape = c == '%';
		if (bytes == ID_BYTES_MAX || (escape && text.bytes - i < 3) ||
		    (escape && !hex_decode((struct slice){text.at + i + 1, 2}, &c, 1)))
			return false;
		i += escape ? 2 : 0;
		out[bytes++] = (char)c;
	}
	*decoded = (struct slice){out, bytes};
	return true;
}

static enum result
take_pair(struct slice name, struct slice value, const struct cluster_nodes *nodes,
	  struct question *out, struct problem *p)
{
	char room[ID_BYTES_MAX];
	if (slice_equal(name, SLICE("dead"))) {
		bool good = decode(value, room, &value);
		out->ask.dead = good ? node_of(nodes, value) : NODE_NONE;
		if (out->ask.dead == NODE_NONE)
			return problem_set(p, RESULT_INVALID, "dead: no node has this id");
	} else if (slice_equal(name, SLICE("term"))) {
		if (!slice_to_u64(value, &out->ask.term))
			return problem_set(p, RESULT_INVALID, "term: a number is wanted");
	} else if (slice_equal(name, SLICE("follow"))) {
		out->follow = slice_equal(value, SLICE("1"));
	}
	return RESULT_OK;
}

enum result
question_parse(struct slice query, const struct cluster_nodes *nodes, struct question *out,
	       struct problem *p)
{
	*out = (struct question){.ask = {.dead = NODE_NONE}};
	if (query.bytes > QUESTION_BYTES_MAX)
		return problem_set(p, RESULT_INVALID, "the query is longer than %d bytes",
				   QUESTION_BYTES_MAX);
	while (query.bytes > 0) {
		size_t end = slice_find(query, '&');
		struct slice pair = {query.at, end};
		size_t equals = slice_find(pair, '=');
		size_t behind = equals + (equals < pair.bytes);
		end += end < query.bytes;
		query = (struct slice){query.at + end, query.bytes - end};
		enum result r =
		    take_pair((struct slice){pair.at, equals},
			      (struct slice){pair.at + behind, pair.bytes - behind}, nodes, out, p);
		if (r != RESULT_OK)
			return r;
	}
	return RESULT_OK;
}

/* ---- the answer -------------------------------------------------------------------------------
 */

static const struct addr *
http_of(const struct config_cluster *nodes, const char *id)
{
	for (size_t i = 0; i < nodes->node_count; i++) {
		if (strcmp(nodes->nodes[i].id, id) == 0)
			return &nodes->nodes[i].http;
	}
	return NULL;
}

/* Ids are letters, digits and . _ : - (config/values.c): nothing to escape. */
static void
put_place(struct grow *out, const char *id, const struct addr *http)
{
	char text[ADDR_TEXT_BYTES_MAX] = "";
	struct writer w = writer_on(text, sizeof(text));
	if (http != NULL)
		write_addr(&w, http);
	grow_format(out, "{\"id\":\"%s\",\"url\":\"http://%s\",\"http\":\"%s\"", id, text, text);
}

static void
put_members(struct grow *out, const struct plane *plane, const struct config_cluster *nodes)
{
	grow_text(out, ",\"members\":[");
	for (cluster_node n = 0; n < plane->nodes->count; n++) {
		const struct cluster_member *m = &plane->nodes->node[n];
		grow_text(out, n > 0 ? "," : "");
		put_place(out, m->id, http_of(nodes, m->id));
		grow_format(out, ",\"rank\":%u,\"voter\":%s}", m->rank,
			    m->voter ? "true" : "false");
	}
	grow_text(out, "]");
}

static const char *
why_none(const struct plane *plane)
{
	if (plane->left)
		return "this node is stopping";
	if (plane->election.rules.safety == ELECTION_LEASE)
		return "nobody has a majority of the voters";
	return "no node that is well could become master";
}

static void
put_master(struct grow *out, const struct plane *plane, const struct config_cluster *nodes,
	   const struct ask_answer *answer)
{
	grow_text(out, ",\"master\":");
	if (answer->master.node == NODE_NONE) {
		grow_format(out, "null,\"term\":%llu,\"epoch\":%llu,\"reason\":\"%s\",\"how\":null",
			    (unsigned long long)election_term(&plane->election),
			    (unsigned long long)plane->epoch, why_none(plane));
		return;
	}
	const char *id = plane->nodes->node[answer->master.node].id;
	put_place(out, id, http_of(nodes, id));
	grow_format(out, "},\"term\":%llu,\"epoch\":%llu,\"valid_for_ms\":%u,\"how\":\"%s\"",
		    (unsigned long long)answer->master.term, (unsigned long long)plane->epoch,
		    answer->valid_ms, answer->how == ASK_ELECTED ? "elected" : "cached");
}

static void
put_fields(const struct plane *plane, const struct config_cluster *nodes,
	   const struct question *question, const struct ask_answer *answer,
	   struct question_reply *out)
{
	struct writer w = writer_on(out->fields, sizeof(out->fields));
	if (answer->master.node == NODE_NONE) {
		out->status = 503;
		write_format(&w, "Retry-After: %u\r\n", (answer->retry_ms + 999) / 1000);
	} else if (question->follow && answer->redirect) {
		const struct addr *http =
		    http_of(nodes, plane->nodes->node[answer->master.node].id);
		out->status = 307;
		write_literal(&w, "Location: http://");
		if (http != NULL)
			write_addr(&w, http);
		write_format(&w, QUESTION_PATH "?follow=1&term=%llu\r\n",
			     (unsigned long long)answer->master.term);
	}
	(void)writer_text(&w);
}

void
question_reply(const struct plane *plane, const struct config_cluster *nodes,
	       const struct question *question, const struct ask_answer *answer,
	       struct question_reply *out)
{
	*out = (struct question_reply){.status = 200};
	grow_init(&out->body, QUESTION_BODY_BYTES_MAX);
	grow_format(&out->body, "{\"cluster\":\"%s\"", nodes->name);
	put_master(&out->body, plane, nodes, answer);
	grow_format(&out->body, ",\"by\":\"%s\",\"longest_wait_ms\":%u",
		    plane->nodes->node[plane->nodes->self].id,
		    election_longest_wait(&plane->election));
	put_members(&out->body, plane, nodes);
	grow_text(&out->body, "}\n");
	put_fields(plane, nodes, question, answer, out);
}

void
question_refuse(struct question_reply *out, uint16_t status, uint32_t retry_after_s,
		const char *text)
{
	*out = (struct question_reply){.status = status};
	grow_init(&out->body, QUESTION_BODY_BYTES_MAX);
	grow_format(&out->body, "{\"error\":\"%s\"}\n", text);
	if (retry_after_s > 0)
		(void)snprintf(out->fields, sizeof(out->fields), "Retry-After: %u\r\n",
			       retry_after_s);
}

void
question_reply_deinit(struct question_reply *reply)
{
	grow_deinit(&reply->body);
}
