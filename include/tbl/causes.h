/*
 * causes.h: CAUSE(name, text, side, phase, is_error, against_member, status, help)
 *
 * Every exchange ends with exactly one of these. The row says who ended it, in
 * which phase, whether operators should count it as an error, whether it is
 * evidence against the member, and the status that Holdfast itself answered
 * (0: the member's answer, or none). Shown in the access log, the metrics and
 * the README table.
 */
CAUSE(DONE, "done", PROXY, DONE, false, false, 0, "the answer was delivered whole")
CAUSE(TUNNEL_DONE, "tunnel_done", PROXY, TUNNEL, false, false, 0, "an upgraded connection ended")
CAUSE(CLIENT_BAD_REQUEST, "client_bad_request", CLIENT, HEAD, true, false, 400, "the request was malformed")
CAUSE(CLIENT_HEAD_TIMEOUT, "client_head_timeout", CLIENT, HEAD, true, false, 408, "no whole request head within timeouts.header")
CAUSE(CLIENT_HEAD_TOO_LARGE, "client_head_too_large", CLIENT, HEAD, true, false, 431, "the request head is larger than limits.head_bytes_max or has more fields than limits.headers_max")
CAUSE(CLIENT_TARGET_TOO_LONG, "client_target_too_long", CLIENT, HEAD, true, false, 414, "the request target is longer than limits.target_bytes_max")
CAUSE(CLIENT_VERSION, "client_version", CLIENT, HEAD, true, false, 505, "the HTTP version is not spoken here")
CAUSE(CLIENT_METHOD, "client_method", CLIENT, HEAD, true, false, 501, "the method or transfer coding is not implemented (CONNECT, unknown coding)")
CAUSE(CLIENT_BODY_TOO_LARGE, "client_body_too_large", CLIENT, BODY, true, false, 413, "the body is larger than body_bytes_max")
CAUSE(CLIENT_BAD_BODY, "client_bad_body", CLIENT, BODY, true, false, 400, "the chunked body was malformed")
CAUSE(CLIENT_BODY_TIMEOUT, "client_body_timeout", CLIENT, BODY, true, false, 408, "the body stopped for longer than timeouts.idle or came slower than rates.body_min")
CAUSE(CLIENT_EXPECTATION, "client_expectation", CLIENT, HEAD, true, false, 417, "the Expect field asks for something unknown")
CAUSE(CLIENT_ABORT, "client_abort", CLIENT, BODY, true, false, 0, "the client went away before its answer was complete")
CAUSE(CLIENT_SLOW, "client_slow", CLIENT, ANSWER, true, false, 0, "the client did not read its answer for longer than timeouts.idle or slower than rates.answer_min")
CAUSE(CLIENT_CONNECTIONS, "client_connections", CLIENT, HEAD, true, false, 0, "the client's address held limits.connections_per_address connections already; this one was closed unheard")
CAUSE(NO_SERVICE, "no_service", PROXY, ROUTE, true, false, 404, "no service matches the host and path")
CAUSE(NO_LIVE_MEMBER, "no_live_member", PROXY, ROUTE, true, false, 503, "nothing operational is left")
CAUSE(STRICT, "strict", PROXY, ROUTE, true, false, 503, "the session's server is not operational and strict forbids a backup")
CAUSE(QUEUE_FULL, "queue_full", PROXY, ROUTE, true, false, 503, "the session's server has connections_max requests, and queue_max wait for it")
CAUSE(QUEUE_TIMEOUT, "queue_timeout", PROXY, ROUTE, true, false, 503, "no place at the session's server within queue_timeout")
CAUSE(BUSY, "busy", PROXY, ROUTE, true, false, 503, "every server of the plan has connections_max requests")
CAUSE(ANSWERED_HERE, "answered_here", PROXY, ROUTE, false, false, 0, "Holdfast answered itself (TRACE or OPTIONS with Max-Forwards: 0; another node asked how the member is)")
CAUSE(TAKEN_BACK, "taken_back", PROXY, ROUTE, false, false, 421, "the session belongs to a node that had the request: it takes it back")
CAUSE(TICKET_REJECTED, "ticket_rejected", CLIENT, ROUTE, true, false, 409, "the ticket of a race opens no session here, or not any more: race again")
CAUSE(TICKET_WANTED, "ticket_wanted", PROXY, ROUTE, true, false, 503, "the session's server is busy and takes new sessions by ticket alone (session.admission)")
CAUSE(LOOP, "loop", PROXY, ROUTE, true, false, 508, "the request already came through this node")
CAUSE(OUT_OF_RESOURCES, "out_of_resources", PROXY, ROUTE, true, false, 503, "no memory or no descriptor was left for this request")
CAUSE(MEMBER_CONNECT, "member_connect", MEMBER, CONNECT, true, true, 502, "no member of the plan could be connected to")
CAUSE(MEMBER_CONNECT_TIMEOUT, "member_connect_timeout", MEMBER, CONNECT, true, true, 504, "connecting took longer than timeouts.connect")
CAUSE(MEMBER_CLOSED, "member_closed", MEMBER, ANSWER, true, true, 502, "the member broke the connection before an answer and the request may not be sent again")
CAUSE(MEMBER_FIRST_BYTE, "member_first_byte", MEMBER, ANSWER, true, true, 504, "no answer within timeouts.first_byte and the request may not be sent again")
CAUSE(MEMBER_BAD_ANSWER, "member_bad_answer", MEMBER, ANSWER, true, true, 502, "the member's answer was not HTTP")
CAUSE(MEMBER_TRUNCATED, "member_truncated", MEMBER, BODY, true, true, 0, "the member died while its answer was streaming")
CAUSE(MEMBER_STALLED, "member_stalled", MEMBER, BODY, true, true, 0, "the member's answer stopped for longer than timeouts.idle")
CAUSE(SHUTDOWN, "shutdown", PROXY, ANSWER, true, false, 0, "Holdfast was told to stop before the answer was complete")
