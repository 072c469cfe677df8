/*
 * config_keys.h: every key of the configuration. Loader, config_free, conf/holdfast.conf and the
 * tests read these rows; "[]" in a path stands for each element of a list.
 *
 * CONFIG_KEY(owner, path, kind, field, unit, default, low, high, help): one value, kept in `field`
 *   of struct owner. default: as one would write it, without quotes; NULL: absent, CONFIG_REQUIRED:
 *   must be there. low, high: bounds of a number, a duration (ms), a size (bytes), or of the length
 *   of a text. unit: of a number; for a word all words, '|' between, in the order of the enum.
 *   CONFIG_MINUTE, CONFIG_HOUR, CONFIG_MIB and CONFIG_TEXT_BYTES_MAX stand in config/rows.h.
 * CONFIG_TEXTS(owner, path, kind, field, count, low, high, help): an array or list of texts, each of
 *   `kind`; low, high: how many.
 * CONFIG_LIST(owner, path, element, field, count, low, high, help): a list of groups, each kept in a
 *   struct `element`; low, high: how many.
 */
CONFIG_KEY(config, "node", ID, node, "", NULL, 1, ID_BYTES_MAX, "id of this node, in log lines and in cluster.nodes; absent: \"-\", and no cluster")
CONFIG_KEY(config, "workers", COUNT, workers, "threads", "0", 0, WORKERS_MAX, "worker threads; 0: one a core")
CONFIG_KEY(config, "state_dir", FILE, state_dir, "", "/var/lib/holdfast", 1, CONFIG_TEXT_BYTES_MAX, "directory for what Holdfast keeps: the secret that it makes when none is configured")
CONFIG_KEY(config, "user", TEXT, user, "", NULL, 1, ID_BYTES_MAX, "user to become after binding; absent: stay who we are")
CONFIG_KEY(config, "stop", DURATION, stop_ms, "duration", "30s", 0, CONFIG_HOUR, "how long SIGTERM waits for exchanges to end")

CONFIG_LIST(config, "secrets", config_secret, secrets, secret_count, 0, SECRETS_MAX, "secrets that authenticate tags: the first signs, all verify; none: one is made and kept in state_dir")
CONFIG_KEY(config_secret, "secrets[].id", ID, id, "", CONFIG_REQUIRED, 1, ID_BYTES_MAX, "name of the secret; the same on every node")
CONFIG_KEY(config_secret, "secrets[].file", FILE, file, "", CONFIG_REQUIRED, 1, CONFIG_TEXT_BYTES_MAX, "file of 32 to 4,096 bytes, not readable by others")

CONFIG_LIST(config, "listeners", config_listener, listeners, listener_count, 1, LISTENERS_MAX, "where clients connect")
CONFIG_KEY(config_listener, "listeners[].address", ADDRESS, address, "address:port", CONFIG_REQUIRED, 0, 0, "\"127.0.0.1:8080\", \"[::]:8080\"")

CONFIG_KEY(config, "admin.address", ADDRESS, admin, "address:port", NULL, 0, 0, "where the admin interface listens; absent: nowhere")
CONFIG_KEY(config, "admin.token", TOKEN, admin_token, "", NULL, 16, CONFIG_TEXT_BYTES_MAX, "bearer token that everyone needs at the admin interface; a must beyond loopback; absent: token_file, or none")
CONFIG_KEY(config, "admin.token_file", FILE, admin_token_file, "", NULL, 1, CONFIG_TEXT_BYTES_MAX, "file that holds the token, on one line, not readable by others; instead of token")
CONFIG_TEXTS(config, "admin.hosts", HOST, admin_hosts, admin_host_count, 0, HOSTS_MAX, "names by which the admin interface may be asked for, besides IP addresses and localhost")

CONFIG_KEY(config, "log.failover", FILE, log_failover, "", NULL, 1, CONFIG_TEXT_BYTES_MAX, "file of the failover log; absent: stderr")
CONFIG_KEY(config, "log.access", FILE, log_access, "", NULL, 1, CONFIG_TEXT_BYTES_MAX, "file of the access log; absent: none")
CONFIG_KEY(config, "log.access_format", WORD, log_access_combined, "json|combined", "json", 0, 0, "form of the access log's lines")
CONFIG_KEY(config, "log.access_query", BOOL, log_access_query, "", "true", 0, 0, "queries stand in the access log; false: targets and referers end before their '?'")
CONFIG_KEY(config, "log.level", WORD, log_level, "error|warn|info|debug", "info", 0, 0, "how much the process log on stderr says")

CONFIG_KEY(config, "limits.head_bytes_max", SIZE, limits.head_bytes_max, "size", "16KiB", 1024, (int64_t)HTTP_HEAD_BYTES_MAX, "a request's whole head; 431 above it")
CONFIG_KEY(config, "limits.target_bytes_max", SIZE, limits.target_bytes_max, "size", "8KiB", 64, (int64_t)HTTP_HEAD_BYTES_MAX, "a request's target; 414 above it")
CONFIG_KEY(config, "limits.headers_max", COUNT, limits.headers_max, "headers", "100", 1, HTTP_FIELDS_MAX, "a request's header lines; 431 above it")
CONFIG_KEY(config, "limits.connections_max", COUNT, limits.connections_max, "connections", "0", 0, 10000000, "client connections of the process; 0: as many as descriptors allow")
CONFIG_KEY(config, "limits.connections_per_address", COUNT, limits.connections_per_address, "connections", "0", 0, 10000000, "client connections of one IPv4 address or IPv6 /64; further ones are closed at once; 0: no bound")
CONFIG_KEY(config, "limits.requests_max", COUNT, limits.requests_max, "requests", "0", 0, INT32_MAX, "requests on one client connection; 0: no bound")

CONFIG_KEY(config, "cluster.name", ID, cluster.name, "", NULL, 1, ID_BYTES_MAX, "name of the cluster; part of what nodes authenticate to each other")
CONFIG_KEY(config, "cluster.hops_max", COUNT, cluster.hops_max, "nodes", "3", 1, HOPS_MAX, "nodes that one request may go through; the last one serves it or answers 503")
CONFIG_KEY(config, "cluster.listen", ADDRESS, cluster.listen, "address:port", NULL, 0, 0, "where this node takes datagrams of other nodes (UDP); absent: its own cluster.nodes[].address; without that the nodes forward requests and elect nobody")
CONFIG_KEY(config, "cluster.safety", WORD, cluster.safety, "auto|advisory|lease", "auto", 0, 0, "what it takes to be master: advisory: a time-out alone, which never blocks; lease: a majority of voters; auto: lease from 3 voters")
CONFIG_KEY(config, "cluster.engine", WORD, cluster.engine, "embedded|disk|etcd", "embedded", 0, 0, "who keeps the leases; embedded: the voters themselves")
CONFIG_KEY(config, "cluster.lease", DURATION, cluster.lease_ms, "duration", "10s", 1000, CONFIG_HOUR, "how long the master holds its role without renewing it; a third of it between renewals")
CONFIG_KEY(config, "cluster.preempt", DURATION, cluster.preempt_ms, "duration or off", "off", 1, CONFIG_HOUR, "after which time a better node takes over from a worse master; off: never while that one is well")
CONFIG_KEY(config, "cluster.detect.period", DURATION, cluster.detect.period_ms, "duration", "1s", 20, CONFIG_MINUTE, "between two inquiries whether the master lives, and between heartbeats")
CONFIG_KEY(config, "cluster.detect.timeout", DURATION, cluster.detect.timeout_ms, "duration", "300ms", 5, CONFIG_MINUTE, "within which an inquiry is answered; less than the period")
CONFIG_KEY(config, "cluster.detect.t1", DURATION, cluster.detect.t1_ms, "duration", "150ms", 0, CONFIG_MINUTE, "the shortest wait before a node stands for master; what is measured may ask for more")
CONFIG_KEY(config, "cluster.question", BOOL, cluster.question, "", "true", 0, 0, "GET /v1/master is answered on this node's listeners, not by an application")
CONFIG_KEY(config, "cluster.questions_per_s", COUNT, cluster.questions_per_s, "questions", "50", 1, 100000, "of one client address, or IPv6 /64; 429 above it")
CONFIG_KEY(config, "cluster.on_master", FILE, cluster.on_master, "", NULL, 1, CONFIG_TEXT_BYTES_MAX, "program that is started when this node becomes master")
CONFIG_KEY(config, "cluster.on_backup", FILE, cluster.on_backup, "", NULL, 1, CONFIG_TEXT_BYTES_MAX, "program that is started when another node is master, or nobody")
CONFIG_KEY(config, "cluster.hook_timeout", DURATION, cluster.hook_timeout_ms, "duration", "10s", 100, CONFIG_HOUR, "after which such a program is ended")
CONFIG_KEY(config, "cluster.dns.listen", ADDRESS, cluster.dns_listen, "address:port", NULL, 0, 0, "where DNS questions for master.NAME are answered (UDP); absent: nowhere")
CONFIG_KEY(config, "cluster.dns.ttl", SECONDS, cluster.dns_ttl_s, "duration", "1s", 0, CONFIG_HOUR, "how long such an answer may be kept")
CONFIG_LIST(config, "cluster.nodes", config_node, cluster.nodes, cluster.node_count, 0, NODES_MAX, "all nodes of the cluster, the same list on each of them")
CONFIG_KEY(config_node, "cluster.nodes[].id", ID, id, "", CONFIG_REQUIRED, 1, ID_BYTES_MAX, "name of the node: what `node` says on that machine")
CONFIG_KEY(config_node, "cluster.nodes[].address", ADDRESS, address, "address:port", NULL, 0, 0, "where it takes datagrams of other nodes")
CONFIG_KEY(config_node, "cluster.nodes[].http", ADDRESS, http, "address:port", CONFIG_REQUIRED, 0, 0, "where other nodes send it requests: one of its listeners")
CONFIG_KEY(config_node, "cluster.nodes[].rank", COUNT, rank, "", NULL, 0, 65535, "who is preferred as master: 0 is the best; equal ones by id; absent: 0")
CONFIG_KEY(config_node, "cluster.nodes[].voter", BOOL, voter, "", NULL, 0, 0, "has a vote in who may be master; absent: false")

CONFIG_LIST(config, "services", config_service, services, service_count, 1, SERVICES_MAX, "the applications behind Holdfast")
CONFIG_KEY(config_service, "services[].name", ID, name, "", CONFIG_REQUIRED, 1, ID_BYTES_MAX, "name of the service; part of what a tag authenticates")
CONFIG_TEXTS(config_service, "services[].hosts", HOST, hosts, host_count, 0, HOSTS_MAX, "hosts of the service, \"*.example\" for one or more labels before it; none: all")
CONFIG_TEXTS(config_service, "services[].paths", PREFIX, paths, path_count, 0, PATHS_MAX, "path prefixes of the service, at segment boundaries; none: all")

CONFIG_TEXTS(config_service, "services[].session.keys", TEXT, keys, key_count, 0, KEY_RULES_MAX, "where the session key stands, first match wins: cookie:NAME header:NAME query:NAME path:REGEX bearer:CLAIM basic:user ip response-cookie:NAME response-header:NAME, with options | before:S | after:S | lower; none: Holdfast issues keys")
CONFIG_KEY(config_service, "services[].session.pool_key", POOL_KEY, pool_key, "", NULL, 1, CONFIG_TEXT_BYTES_MAX, "file of 16 bytes or 32 hex digits, the same on all nodes, that keys the session digests; absent: derived from the service's name")
CONFIG_KEY(config_service, "services[].session.tag.cookie", TEXT, tag.name, "", "HOLDFAST", 1, ID_BYTES_MAX, "name of the cookie that carries the tag")
CONFIG_KEY(config_service, "services[].session.tag.header", TEXT, tag.name, "", NULL, 1, ID_BYTES_MAX, "name of the header that carries the tag, instead of a cookie")
CONFIG_KEY(config_service, "services[].session.tag.suffix", TEXT, tag.name, "", NULL, 1, ID_BYTES_MAX + 7, "the application's own session cookie, or header:NAME of its session header, that carries the tag behind the id: abc~TAG")
CONFIG_KEY(config_service, "services[].session.tag.path", TEXT, tag.path, "", "/", 1, 256, "Path of the cookie")
CONFIG_KEY(config_service, "services[].session.tag.domain", TEXT, tag.domain, "", NULL, 1, 253, "Domain of the cookie; absent: the host that sent it")
CONFIG_KEY(config_service, "services[].session.tag.secure", BOOL, tag.secure, "", "false", 0, 0, "Secure: the client returns the cookie over TLS only")
CONFIG_KEY(config_service, "services[].session.tag.http_only", BOOL, tag.http_only, "", "true", 0, 0, "HttpOnly: scripts do not see the cookie")
CONFIG_KEY(config_service, "services[].session.tag.same_site", WORD, tag.same_site, "none|lax|strict|absent", "lax", 0, 0, "SameSite of the cookie; absent: the attribute is left out")
CONFIG_KEY(config_service, "services[].session.tag.max_age", SECONDS, tag.max_age_s, "duration", "0s", 0, 9600 * CONFIG_HOUR, "Max-Age of the cookie in whole seconds; 0s: until the browser ends")
CONFIG_KEY(config_service, "services[].session.tag.partitioned", BOOL, tag.partitioned, "", "false", 0, 0, "Partitioned: kept apart for each site that embeds this one (CHIPS); needs secure")
CONFIG_KEY(config_service, "services[].session.assign", WORD, assign, "default|ordering|least_requests|round_robin|race", "default", 0, 0, "how a new session gets its primary; default: ordering when the request had a key, least_requests when Holdfast issues it; race: the nodes beside the members are asked, and the first to offer has it")
CONFIG_KEY(config_service, "services[].session.race.limit", DURATION, race.limit_ms, "duration", "20ms", 1, 5000, "assign = \"race\": how long an offer is waited for, twice; then the ordering decides")
CONFIG_KEY(config_service, "services[].session.race.spread", DURATION, race.spread_ms, "duration", "10ms", 1, 2500, "how much later than an idle member a full one offers; more than the nodes' round trips differ by, at most half of the limit")
CONFIG_KEY(config_service, "services[].session.race.full", COUNT, race.full, "requests", "100", 1, 1000000, "in flight at a member of weight 1 that is full, when it has no connections_max; a full one does not offer")
CONFIG_KEY(config_service, "services[].session.race.busy", PERCENT, race.busy, "percent", "80%", 0, 100, "of what a member takes: from there on admission = \"ticket\" wants one")
CONFIG_KEY(config_service, "services[].session.race.ticket_ttl", DURATION, race.ticket_ttl_ms, "duration", "10s", 100, CONFIG_MINUTE, "within which the winner's ticket opens the session")
CONFIG_KEY(config_service, "services[].session.admission", WORD, admission, "open|ticket", "open", 0, 0, "ticket: a member that is busy takes new sessions with a fresh ticket of its own node alone; others get 503")
CONFIG_KEY(config_service, "services[].session.failback", WORD, failback, "stay|return|stay_until_idle", "stay", 0, 0, "where a session goes when its primary is back: stay with the backup, return, or stay until it was idle")
CONFIG_KEY(config_service, "services[].session.stay_until_idle", SECONDS, stay_until_idle_s, "duration", "30m", 4000, 9600 * CONFIG_HOUR, "failback = \"stay_until_idle\": so long without a request, then the session goes home; found out within a quarter of it")
CONFIG_KEY(config_service, "services[].session.strict", COUNT, strict, "HTTP status", "0", 0, 599, "0: backups are used; 400 to 599: answered instead when the primary is not operational")
CONFIG_KEY(config_service, "services[].session.spread", WORD, spread, "any|zone", "any", 0, 0, "zone: backups outside the primary's zone come first")

CONFIG_KEY(config_service, "services[].health.enabled", BOOL, health.enabled, "", "true", 0, 0, "active checks")
CONFIG_KEY(config_service, "services[].health.path", TARGET, health.path, "", NULL, 1, CONFIG_TEXT_BYTES_MAX, "path of the check, such as \"/healthz\"; absent: a TCP connection is enough")
CONFIG_KEY(config_service, "services[].health.host", VISIBLE, health.host, "", NULL, 1, 255, "Host of the check; absent: the member's origin")
CONFIG_KEY(config_service, "services[].health.expect_low", COUNT, health.expect_low, "HTTP status", "200", 100, 599, "lowest status that is well")
CONFIG_KEY(config_service, "services[].health.expect_high", COUNT, health.expect_high, "HTTP status", "399", 100, 599, "highest status that is well")
CONFIG_KEY(config_service, "services[].health.interval", DURATION, health.interval_ms, "duration", "1s", 10, CONFIG_HOUR, "from the start of one check to the next")
CONFIG_KEY(config_service, "services[].health.fast_interval", DURATION, health.fast_interval_ms, "duration", "100ms", 10, CONFIG_HOUR, "the same while a verdict is open: after a failed attempt or check, until down, up or well; never longer than interval")
CONFIG_KEY(config_service, "services[].health.timeout", DURATION, health.timeout_ms, "duration", "500ms", 1, CONFIG_MINUTE, "of one check: connection and whole answer head together")
CONFIG_KEY(config_service, "services[].health.fall", COUNT, health.fall, "checks", "2", 1, 100, "failed checks in a row: down")
CONFIG_KEY(config_service, "services[].health.rise", COUNT, health.rise, "checks", "2", 1, 100, "good checks in a row: up")

CONFIG_KEY(config_service, "services[].health.slow_start", DURATION, health.slow_start_ms, "duration", "0s", 0, CONFIG_HOUR, "how long a member that came back gets a growing share of the new sessions that Holdfast places by load or in turn; 0s: all at once")
CONFIG_KEY(config_service, "services[].passive.enabled", BOOL, passive.enabled, "", "true", 0, 0, "failed attempts of requests count against a member")
CONFIG_KEY(config_service, "services[].passive.fall", COUNT, passive.fall, "attempts", "3", 1, 1000, "failed attempts in a row: down; a refused connection: at once")
CONFIG_KEY(config_service, "services[].passive.retry", DURATION, passive.retry_ms, "duration", "5s", 10, CONFIG_HOUR, "without active checks: when a down member is tried again")

CONFIG_KEY(config_service, "services[].timeouts.connect", DURATION, timeouts.connect_ms, "duration", "1s", 1, CONFIG_MINUTE, "to connect to a member")
CONFIG_KEY(config_service, "services[].timeouts.first_byte", DURATION, timeouts.first_byte_ms, "duration", "30s", 1, 24 * CONFIG_HOUR, "from the request to the first byte of the member's answer")
CONFIG_KEY(config_service, "services[].timeouts.idle", DURATION, timeouts.idle_ms, "duration", "60s", 1, 24 * CONFIG_HOUR, "between bytes, on both sides, and between a client's requests")
CONFIG_KEY(config_service, "services[].timeouts.header", DURATION, timeouts.header_ms, "duration", "10s", 1, CONFIG_HOUR, "for a request's whole head")
CONFIG_KEY(config_service, "services[].timeouts.tunnel", DURATION, timeouts.tunnel_ms, "duration", "1h", 1, 168 * CONFIG_HOUR, "without a byte in an upgraded connection")
CONFIG_KEY(config_service, "services[].timeouts.pool_idle", DURATION, timeouts.pool_idle_ms, "duration", "60s", 1, 24 * CONFIG_HOUR, "how long an unused connection to a member is kept")

CONFIG_KEY(config_service, "services[].rates.body_min", SIZE, rates.body_min, "bytes a second", "240", 0, 1024 * CONFIG_MIB, "that a client sends of a body it is waited for; 408 below it; 0: no bound")
CONFIG_KEY(config_service, "services[].rates.answer_min", SIZE, rates.answer_min, "bytes a second", "240", 0, 1024 * CONFIG_MIB, "that a client takes of an answer that waits for it; broken off below it; 0: no bound")
CONFIG_KEY(config_service, "services[].rates.period", DURATION, rates.period_ms, "duration", "30s", 10, CONFIG_HOUR, "over which the rates are measured, and which everybody has before the first measure")

CONFIG_KEY(config_service, "services[].attempts_max", COUNT, attempts_max, "attempts", "3", 1, PLAN_STEPS_MAX, "tries of one request, the first included")
CONFIG_KEY(config_service, "services[].retry_budget", PERCENT, retry_budget, "percent", "20%", 0, 100, "share of the requests waiting for an answer that may be on a further try at once; what was not sent, and what leaves a member that is down, does not count; 100%: no bound")
CONFIG_KEY(config_service, "services[].retry_min", COUNT, retry_min, "requests", "10", 0, 100000, "further tries at once, a worker, that are allowed whatever the share")
CONFIG_KEY(config_service, "services[].overflow", WORD, overflow, "queue|next", "queue", 0, 0, "a request whose member has connections_max of them: waits for a place there, or goes to the next in order")
CONFIG_KEY(config_service, "services[].queue_max", COUNT, queue_max, "requests", "128", 0, 65536, "waiting for one member, a worker; 503 above it")
CONFIG_KEY(config_service, "services[].queue_timeout", DURATION, queue_timeout_ms, "duration", "10s", 1, CONFIG_HOUR, "how long a request waits for a place; then 503")
CONFIG_KEY(config_service, "services[].replay_bytes_max", SIZE, replay_bytes_max, "size", "64KiB", 0, 64 * CONFIG_MIB, "of a request's body kept for a further attempt")
CONFIG_KEY(config_service, "services[].body_bytes_max", SIZE, body_bytes_max, "size", "0", 0, INT64_C(1) << 50, "a request's body; 413 above it; 0: no bound")
CONFIG_KEY(config_service, "services[].pool_max", COUNT, pool_max, "connections", "256", 0, 65536, "unused connections kept, a worker and member")
CONFIG_KEY(config_service, "services[].retry_after", SECONDS, retry_after_s, "duration", "1s", 0, 24 * CONFIG_HOUR, "Retry-After of a 503, in whole seconds; 0s: none")

CONFIG_LIST(config_service, "services[].members", config_member, members, member_count, 1, MEMBERS_MAX, "the servers of the application")
CONFIG_KEY(config_member, "services[].members[].id", ID, id, "", CONFIG_REQUIRED, 1, ID_BYTES_MAX, "identity of the member: the ordering is made from it; the address may change")
CONFIG_KEY(config_member, "services[].members[].origin", ADDRESS, origin, "address:port", CONFIG_REQUIRED, 0, 0, "where the member listens")
CONFIG_KEY(config_member, "services[].members[].weight", COUNT, weight, "", "1", 0, MEMBER_WEIGHT_MAX, "share of the sessions; 0: gets none")
CONFIG_KEY(config_member, "services[].members[].node", ADDRESS, node, "address:port", NULL, 0, 0, "mesh: the node beside it, as cluster.nodes[].http has it; other nodes ask that one; absent: every node asks the member itself")
CONFIG_KEY(config_member, "services[].members[].connections_max", COUNT, connections_max, "requests", "0", 0, 1000000, "requests in flight there at once, over all workers; 0: no bound")
CONFIG_KEY(config_member, "services[].members[].order", WORD, order, "none|drain|maint", "none", 0, 0, "what the member begins with: drain, it gets no new sessions; maint, nobody goes there; an operator can take it back")
CONFIG_KEY(config_member, "services[].members[].zone", ID, zone, "", NULL, 1, ID_BYTES_MAX, "rack, room or data centre, for spread = \"zone\"; absent: a zone of its own")
