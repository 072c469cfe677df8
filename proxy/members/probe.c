/* probe.c: see probe.h. Answers are read by the parser that reads those of traffic. */
#include "members/probe.h"

void
write_probe_request(struct writer *w, const struct config_health *health, struct slice origin)
{
	write_literal(w, "GET ");
	write_text(w, health->path);
	write_literal(w, " HTTP/1.1\r\nHost: ");
	if (slice_has_prefix(origin, SLICE("unix:")))
		origin = SLICE("localhost");
	origin.bytes = slice_find(origin, ' '); /* "app.internal:8080 (10.0.0.4)" */
	write_slice(w, health->host != NULL ? slice_of(health->host) : origin);
	write_literal(w, "\r\nUser-Agent: Holdfast/" HOLDFAST_VERSION
			 " (health)\r\nAccept: */*\r\nConnection: close\r\n\r\n");
}

void
write_node_probe_request(struct writer *w, const struct hop_codec *hops, uint16_t self,
			 const struct addr *from, struct slice service, uint64_t now_ms)
{
	char path[sizeof(HOP_HEALTH_PATH) + ID_BYTES_MAX];
	struct writer target = writer_on(path, sizeof(path));
	write_literal(&target, HOP_HEALTH_PATH);
	write_slice(&target, service);
	struct http_head request = {
	    .method_text = SLICE("GET"), .host = SLICE("holdfast"), .path = {path, target.bytes}};
	struct hop hop = {.path = {self}, .path_count = 1, .client = *from, .time_ms = now_ms};
	write_together(w, SLICE("GET "), request.path,
		       SLICE(" HTTP/1.1\r\nHost: holdfast\r\nConnection: close\r\nHoldfast-Hop: "));
	hop_write(hops, &hop, &request, w);
	write_literal(w, "\r\n\r\n");
}

static bool
is_interim(uint16_t status)
{
	return status < 200 && status != 101;
}

static enum probe_outcome
ill(enum reason reason, struct probe_finding *finding)
{
	finding->why = reason;
	return PROBE_ILL;
}

static void
read_weight(const struct http_head *head, struct probe_finding *finding)
{
	size_t at = 0;
	const struct http_field *field = http_field_find_id(head, FIELD_HOLDFAST_WEIGHT, &at);
	if (field == NULL)
		return;
	struct slice value = http_field_value(head, field);
	bool more = http_field_find_id(head, FIELD_HOLDFAST_WEIGHT, &at) != NULL;
	finding->unsaid = more || !weight_parse(value, &finding->said);
	finding->unsaid_text = value;
}

static enum probe_outcome
judge_final(const struct config_health *health, const struct http_head *head,
	    struct probe_finding *finding, struct writer *seen)
{
	if (head->status >= health->expect_low && head->status <= health->expect_high) {
		read_weight(head, finding);
		return PROBE_WELL;
	}
	write_format(seen, "status %d", head->status);
	return ill(REASON_PROBE_STATUS, finding);
}

static enum probe_outcome
judge_rest(struct slice answer, bool ended, struct probe_finding *finding, struct writer *seen)
{
	if (!ended)
		return PROBE_OPEN;
	write_text(seen, answer.bytes == 0 ? "closed without an answer"
					   : "closed within the answer's head");
	return ill(REASON_PROBE_FAILED, finding);
}

enum probe_outcome
probe_judge(struct parser *parser, struct http_head *head, const struct config_health *health,
	    struct slice answer, bool ended, struct probe_finding *finding, struct writer *seen)
{
	static const struct parse_limits limits = {.head_bytes_max = PROBE_ANSWER_BYTES_MAX,
						   .target_bytes_max = PROBE_ANSWER_BYTES_MAX,
						   .fields_max = HTTP_FIELDS_MAX};
	bool full = answer.bytes >= PROBE_ANSWER_BYTES_MAX;
	*finding = (struct probe_finding){.why = REASON_NONE};
	while (answer.bytes > 0) {
		enum cause cause;
		const char *wrong = "";
		enum parse_outcome outcome = parse_response(
		    parser, answer.at, answer.bytes, &limits, METHOD_GET, head, &cause, &wrong);
		if (outcome == PARSE_BAD) {
			write_format(seen, "not an HTTP answer: %s", wrong);
			return ill(REASON_PROBE_FAILED, finding);
		}
		if (outcome == PARSE_MORE)
			break;
		if (!is_interim(head->status))
			return judge_final(health, head, finding, seen);
		answer.at += head->bytes;
		answer.bytes -= head->bytes;
	}
	if (full && !ended) {
		write_format(seen, "no answer within %zu bytes", PROBE_ANSWER_BYTES_MAX);
		return ill(REASON_PROBE_FAILED, finding);
	}
	return judge_rest(answer, ended, finding, seen);
}
