/*
 * http2_ends.h: HTTP2_END(name, text, code, burst, per_s, help): why an HTTP/2 connection was ended, in
 * its order of metrics. code: of GOAWAY (RFC 9113 section 7). burst, per_s: of ends that are a bound
 * on what a client may do without getting anywhere (relay/h2_budget.h): so many at once, and so many
 * a second on top; 0: it is not counted there. Members are bound alike; of them no counts are kept.
 */
HTTP2_END(DONE, "done", NO_ERROR, 0, 0, "the client went away, or said that it would and had its answers")
HTTP2_END(LEFT, "left", NO_ERROR, 0, 0, "the client went away from most of its requests, and from more than a few, before they were answered")
HTTP2_END(IDLE, "idle", NO_ERROR, 0, 0, "no request for timeouts.idle")
HTTP2_END(REQUESTS, "requests", NO_ERROR, 0, 0, "limits.requests_max requests were served")
HTTP2_END(RELOAD, "reload", NO_ERROR, 0, 0, "another configuration holds: the client comes back under it")
HTTP2_END(STOP, "stop", NO_ERROR, 0, 0, "Holdfast was told to stop")
HTTP2_END(HEAD_TIMEOUT, "head_timeout", NO_ERROR, 0, 0, "no whole preface and request head within timeouts.header")
HTTP2_END(SLOW, "slow", NO_ERROR, 0, 0, "the client took nothing for timeouts.idle, or less than rates.answer_min")
HTTP2_END(PROTOCOL, "protocol", PROTOCOL_ERROR, 0, 0, "the client broke the protocol")
HTTP2_END(NO_MEMORY, "no_memory", INTERNAL_ERROR, 0, 0, "no memory was left")
HTTP2_END(RESETS, "resets", ENHANCE_YOUR_CALM, 200, 20, "streams were broken off, by the client or by its mistakes; each 4 that end well allow one more")
HTTP2_END(SETTINGS, "settings", ENHANCE_YOUR_CALM, 50, 5, "SETTINGS frames")
HTTP2_END(PINGS, "pings", ENHANCE_YOUR_CALM, 100, 10, "PING frames")
HTTP2_END(PRIORITIES, "priorities", ENHANCE_YOUR_CALM, 500, 20, "PRIORITY, PRIORITY_UPDATE and GOAWAY frames; each stream allows 2 more")
HTTP2_END(WINDOW_UPDATES, "window_updates", ENHANCE_YOUR_CALM, 1000, 100, "WINDOW_UPDATE frames; each DATA frame that is sent allows 4 more, each stream 2")
HTTP2_END(EMPTY_FRAMES, "empty_frames", ENHANCE_YOUR_CALM, 100, 10, "DATA, HEADERS and CONTINUATION frames without content that end nothing")
HTTP2_END(UNKNOWN_FRAMES, "unknown_frames", ENHANCE_YOUR_CALM, 100, 10, "frames of unknown types")
HTTP2_END(HEAD_FRAMES, "head_frames", ENHANCE_YOUR_CALM, 0, 0, "more than H2_CONTINUATIONS_MAX CONTINUATION frames in one head")
HTTP2_END(HEAD_BOMB, "head_bomb", ENHANCE_YOUR_CALM, 0, 0, "a head that unpacks to more than H2_HEAD_BYTES_MAX bytes or H2_HEAD_FIELDS_MAX fields")
