/*
 * admin_routes.h: ADMIN_ROUTE(ident, method, path, help): what the admin listener answers. "*" stands
 * for one segment, a member's id. What changes something is POST and nothing else is. The router
 * (admin/routes.c), the answers (admin/answers.c) and the tests read these rows.
 */
ADMIN_ROUTE(page, GET, "/", "status page for people")
ADMIN_ROUTE(status, GET, "/status", "the whole status as JSON; ?brief=1: without members")
ADMIN_ROUTE(metrics, GET, "/metrics", "counters and gauges for Prometheus")
ADMIN_ROUTE(events, GET, "/events", "the failover log's lines as they come: server-sent events")
ADMIN_ROUTE(explain, GET, "/explain", "where a session goes now: ?service=&key=&down=")
ADMIN_ROUTE(master, GET, "/v1/master", "who is master of the cluster; found if nobody is: ?dead=&term=&follow=")
ADMIN_ROUTE(health, GET, "/health", "200 while the node serves")
ADMIN_ROUTE(membership, GET, "/v1/membership", "the membership that this node holds, as JSON")
ADMIN_ROUTE(change, POST, "/v1/membership/*", "add, set, remove, rank or publish: the next epoch, by the cluster's master")
ADMIN_ROUTE(readmit, POST, "/v1/voter/readmit", "this node's voter, whose register is lost, begins again: ?node= its own id, for certainty")
ADMIN_ROUTE(drain, POST, "/members/*/drain", "no new sessions there; ?service= when an id is in several")
ADMIN_ROUTE(undrain, POST, "/members/*/undrain", "takes a drain back")
ADMIN_ROUTE(maint, POST, "/members/*/maint", "nobody goes there any more")
ADMIN_ROUTE(up, POST, "/members/*/up", "takes drain or maint back: what the checks say counts")
ADMIN_ROUTE(role, GET, "/v1/roles/*", "who holds a role of the applications, its term, and for how long; ?follow=1: its changes, as server-sent events")
ADMIN_ROUTE(role_acquire, POST, "/v1/roles/*/acquire", "asks for it: ?holder=&ttl=&wait=; asking goes on for ttl after the last call")
ADMIN_ROUTE(role_renew, POST, "/v1/roles/*/renew", "keeps it: ?holder=&ttl=")
ADMIN_ROUTE(role_release, POST, "/v1/roles/*/release", "gives it back: ?holder=")
ADMIN_ROUTE(reload, POST, "/reload", "reads the configuration again")
