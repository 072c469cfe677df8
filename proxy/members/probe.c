/* probe.c: see probe.h. Answers are read by the parser that reads those of traffic. */
#include "members/probe.h"

void
write_probe_request(struct writer *w, const struct config_health *health, struct slice origin)
{
	write_literal(w, "GET ");
	write_text(w, health->path);
	write_literal(w, " HTTP/1.1\r\nHost: ");
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
ill(enum reason reason, enum reason *why)
{
	*why = reason;
	return PROBE_ILL;
}

static enum probe_outcome
judge_status(const struct config_health *health, uint16_t status, enum reason *why,
	     struct writer *seen)
{
	if (status >= health->expect_low && status <= health->expect_high)
		return PROBE_WELL;
	write_format(seen, "status %d", status);
	return ill(REASON_PROBE_STATUS, why);
}

static enum probe_outcome
judge_rest(struct slice answer, bool ended, enum reason *why, struct writer *seen)
{
	if (!ended)
		return PROBE_OPEN;
	write_text(seen, answer.bytes == 0 ? "closed without an answer"
					   : "closed within the answer's head");
	return ill(REASON_PROBE_FAILED, why);
}

enum probe_outcome
probe_judge(struct parser *parser, struct http_head *head, const struct config_health *health,
	    struct slice answer, bool ended, enum reason *why, struct writer *seen)
{
	static const struct parse_limits limits = {.head_bytes_max = PROBE_ANSWER_BYTES_MAX,
						   .target_bytes_max = PROBE_ANSWER_BYTES_MAX,
						   .fields_max = HTTP_FIELDS_MAX};
	bool full = answer.bytes >= PROBE_ANSWER_BYTES_MAX;
	while (answer.bytes > 0) {
		enum cause cause;
		const char *wrong = "";
		enum parse_outcome outcome = parse_response(
		    parser, answer.at, answer.bytes, &limits, METHOD_GET, head, &cause, &wrong);
		if (outcome == PARSE_BAD) {
			write_format(seen, "not an HTTP answer: %s", wrong);
			return ill(REASON_PROBE_FAILED, why);
		}
		if (outcome == PARSE_MORE)
			break;
		if (!is_interim(head->status))
			return judge_status(health, head->status, why, seen);
		answer.at += head->bytes;
		answer.bytes -= head->bytes;
	}
	if (full && !ended) {
		write_format(seen, "no answer within %zu bytes", PROBE_ANSWER_BYTES_MAX);
		return ill(REASON_PROBE_FAILED, why);
	}
	return judge_rest(answer, ended, why, seen);
}
