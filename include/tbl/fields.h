/*
 * fields.h: FIELD(name, text, action): header fields that the proxy knows.
 *
 * action: PASS   forwarded as it came
 *         HOP    hop-by-hop: never forwarded, made anew where needed (RFC 9110 section 7.6.1)
 *         OWN    Holdfast's own: removed from what clients send, written by us
 *         FRAME  framing: never forwarded, always written anew
 */
FIELD(HOST, "host", FRAME)
FIELD(CONNECTION, "connection", HOP)
FIELD(KEEP_ALIVE, "keep-alive", HOP)
FIELD(PROXY_CONNECTION, "proxy-connection", HOP)
FIELD(TE, "te", HOP)
FIELD(UPGRADE, "upgrade", HOP)
FIELD(TRANSFER_ENCODING, "transfer-encoding", FRAME)
FIELD(CONTENT_LENGTH, "content-length", FRAME)
FIELD(TRAILER, "trailer", PASS)
FIELD(EXPECT, "expect", PASS)
FIELD(COOKIE, "cookie", PASS)
FIELD(SET_COOKIE, "set-cookie", PASS)
FIELD(AUTHORIZATION, "authorization", PASS)
FIELD(CACHE_CONTROL, "cache-control", PASS)
FIELD(DATE, "date", PASS)
FIELD(VIA, "via", PASS)
FIELD(MAX_FORWARDS, "max-forwards", PASS)
FIELD(FORWARDED, "forwarded", PASS)
FIELD(X_FORWARDED_FOR, "x-forwarded-for", PASS)
FIELD(X_FORWARDED_PROTO, "x-forwarded-proto", PASS)
FIELD(X_FORWARDED_HOST, "x-forwarded-host", PASS)
FIELD(HOLDFAST_SESSION, "holdfast-session", OWN)
FIELD(HOLDFAST_PRIMARY, "holdfast-primary", OWN)
FIELD(HOLDFAST_SERVED_BEFORE, "holdfast-served-before", OWN)
FIELD(HOLDFAST_RANK, "holdfast-rank", OWN)
FIELD(HOLDFAST_BACKUPS, "holdfast-backups", OWN)
FIELD(HOLDFAST_FAILOVER, "holdfast-failover", OWN)
FIELD(HOLDFAST_HOP, "holdfast-hop", OWN)
FIELD(HOLDFAST_PASS, "holdfast-pass", OWN)
FIELD(HOLDFAST_WEIGHT, "holdfast-weight", OWN)
FIELD(HOLDFAST_TERM, "holdfast-term", PASS)
