/* h2_out.c: answers on their way to a socket (relay/h2_wire.h), and how fast a client takes them.
 */
#include "edge/h2_stream.h"

#include <linux/tcp.h>
#include <netinet/in.h>

void
h2_out_heed(struct h2_connection *c)
{
	struct tcp_info info;
	socklen_t bytes = sizeof(info);
	if (getsockopt(c->io.fd, IPPROTO_TCP, TCP_INFO, &info, &bytes) == -1 ||
	    info.tcpi_bytes_acked <= c->taken)
		return;
	pace_moved(&c->pace, info.tcpi_bytes_acked - c->taken, c->io.worker->now_ms);
	c->taken = info.tcpi_bytes_acked;
}

int
h2_out_data(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *head, size_t length,
	    nghttp2_data_source *source, void *user)
{
	struct h2_connection *c = user;
	int error = 0;
	(void)session;
	(void)frame;
	char *to = h2_wire_data(&c->wire, head, length, &error);
	if (to == NULL)
		return error;
	h2_answer_take(source->ptr, to, length);
	h2_budget_data(&c->budget);
	return 0;
}
