/*
 * tls.c: TLS of listeners, and towards members and nodes, as their files are now: certificates that
 * the other side would refuse, keys that do not fit, authorities that cannot be read, and client
 * certificates without anyone who signs them.
 *
 * An expired certificate, or OCSP response, refuses `check`, but not a start: the other names and
 * listeners are to be served all the same.
 */
#include "config/loading.h"

#include "base/clock.h"
#include "tls/certificate.h"
#include "tls/ticket.h"

struct checked {
	struct loading *l;
	config_setting_t *group; /* the listener's */
	const struct config_tls *tls;
};

/* Towards members or nodes. */
struct checked_upstream {
	struct loading *l;
	config_setting_t *group; /* "tls" itself */
	const struct config_upstream_tls *tls;
};

static void
note(struct loading *l, enum result r)
{
	l->no_memory |= r == RESULT_NO_MEMORY;
}

static void
check_validity(struct loading *l, config_setting_t *element,
	       const struct tls_certificate *certificate)
{
	struct problem p = {""};
	int64_t now_s = (int64_t)(clock_wall_ms() / 1000);
	enum tls_validity v = tls_certificate_validity(certificate, now_s, &p);
	if (v == TLS_VALID)
		return;
	if (v != TLS_EXPIRES_SOON && l->purpose == CONFIG_FOR_CHECK)
		complain(l, element, "certificate", "%s", p.text);
	else
		warn(l, element, "certificate", "%s", p.text);
}

static void
check_ocsp(struct loading *l, config_setting_t *element, const struct tls_certificate *certificate)
{
	struct problem p = {""};
	if (!tls_ocsp_expired(certificate, (int64_t)(clock_wall_ms() / 1000), &p))
		return;
	if (l->purpose == CONFIG_FOR_CHECK)
		complain(l, element, "ocsp", "%s", p.text);
	else
		warn(l, element, "ocsp", "%s", p.text);
}

static void
check_certificate(struct loading *l, config_setting_t *element, const struct tls_files *files)
{
	static const char *const keys[] = {"certificate", "key", "ocsp"};
	struct tls_certificate certificate;
	enum tls_file which;
	struct problem p = {""};
	if (files->certificate == NULL || files->key == NULL)
		return; /* was found */
	enum result r = tls_certificate_read(files, &certificate, &which, &p);
	note(l, r);
	if (r != RESULT_OK) {
		complain(l, element, keys[which], "%s", p.text);
		return;
	}
	check_validity(l, element, &certificate);
	check_ocsp(l, element, &certificate);
	tls_certificate_deinit(&certificate);
}

static void
check_authorities(struct loading *l, config_setting_t *group, const char *key, const char *file)
{
	struct problem p = {""};
	STACK_OF(X509) *authorities = NULL;
	enum result r = tls_authorities_read(file, &authorities, &p);
	note(l, r);
	if (r != RESULT_OK)
		complain(l, group, key, "%s", p.text);
	sk_X509_pop_free(authorities, X509_free);
}

static void
check_clients(const struct checked *c)
{
	const struct config_tls *tls = c->tls;
	if (tls->client_auth == CLIENT_AUTH_NONE) {
		if (tls->client_ca != NULL)
			warn(c->l, c->group, "tls.client_ca",
			     "means nothing unless tls.client_auth is optional or required");
		return;
	}
	if (tls->client_ca == NULL) {
		complain(c->l, c->group, "tls.client_auth",
			 "needs tls.client_ca: who signs the clients' certificates");
		return;
	}
	check_authorities(c->l, c->group, "tls.client_ca", tls->client_ca);
}

static void
check_ticket_secret(const struct checked *c)
{
	uint8_t secret[TICKET_SECRET_BYTES_MAX];
	size_t bytes = 0;
	struct problem p = {""};
	if (c->tls->ticket_secret == NULL)
		return;
	enum result r = tls_secret_read(c->tls->ticket_secret, secret, sizeof(secret), &bytes, &p);
	note(c->l, r);
	explicit_bzero(secret, sizeof(secret));
	if (r == RESULT_OK && bytes < TICKET_SECRET_BYTES)
		r = problem_set(&p, RESULT_INVALID, "%zu bytes, fewer than %d", bytes,
				TICKET_SECRET_BYTES);
	if (r != RESULT_OK)
		complain(c->l, c->group, "tls.ticket_secret", "%s", p.text);
}

static void
check_listener(const struct checked *c)
{
	config_setting_t *group = config_setting_get_member(c->group, "tls");
	if (group == NULL)
		return;
	if (c->tls->certificate_count == 0)
		complain(c->l, group, "certificates", "TLS without a certificate");
	if (c->l->purpose == CONFIG_FOR_EXPLAIN)
		return;
	config_setting_t *list = config_setting_lookup(group, "certificates");
	for (size_t i = 0; i < c->tls->certificate_count; i++) {
		const struct config_certificate *files = &c->tls->certificates[i];
		struct tls_files named = {files->certificate, files->key, files->ocsp};
		check_certificate(c->l, config_setting_get_elem(list, (unsigned)i), &named);
	}
	check_clients(c);
	check_ticket_secret(c);
}

/* ---- towards members and nodes ----------------------------------------------------------------
 */

static void
check_name(const struct checked_upstream *c)
{
	struct addr address;
	const char *name = c->tls->name;
	if (name == NULL)
		return;
	if (strchr(name, '*') != NULL)
		complain(c->l, c->group, "name", "one name, without '*'");
	else if (name[0] == '[' || addr_parse_ip(slice_of(name), &address))
		complain(c->l, c->group, "name",
			 "an address: without a name, the one that is connected to counts");
}

static void
check_own(const struct checked_upstream *c)
{
	const struct config_upstream_tls *tls = c->tls;
	struct tls_files files = {tls->certificate, tls->key, NULL};
	if ((tls->certificate == NULL) != (tls->key == NULL))
		complain(c->l, c->group, tls->key == NULL ? "key" : "certificate",
			 "missing: a client certificate has both");
	else if (tls->certificate != NULL)
		check_certificate(c->l, c->group, &files);
}

static void
check_upstream(const struct checked_upstream *c)
{
	const struct config_upstream_tls *tls = c->tls;
	if (c->group == NULL)
		return;
	if (!tls->enabled) {
		if (config_setting_length(c->group) > 0 &&
		    config_setting_get_member(c->group, "enabled") == NULL)
			warn(c->l, c->group, "enabled", "missing: without it nothing here counts");
		return;
	}
	check_name(c);
	if (!tls->verify)
		warn(c->l, c->group, "verify",
		     "certificates are not verified: anyone on the way can read and change "
		     "everything");
	if (c->l->purpose == CONFIG_FOR_EXPLAIN)
		return;
	if (tls->ca != NULL && tls->verify)
		check_authorities(c->l, c->group, "ca", tls->ca);
	check_own(c);
}

/* What other nodes connect to, they must speak as it does. */
static void
check_own_listener(struct loading *l)
{
	const struct config *config = l->config;
	const struct config_cluster *cluster = &config->cluster;
	if (cluster->node_count < 2 || cluster->self >= cluster->node_count)
		return;
	for (size_t i = 0; i < config->listener_count; i++) {
		const struct config_listener *listener = &config->listeners[i];
		bool tls = listener->tls.certificate_count > 0;
		if (!addr_equal(&listener->address, &cluster->nodes[cluster->self].http) ||
		    tls == cluster->tls.enabled)
			continue;
		complain(l, l->root, "cluster.tls.enabled",
			 tls ? "missing: the listener at which other nodes ask this one has TLS"
			     : "the listener at which other nodes ask this one has no TLS");
	}
}

/* A UNIX socket has no name that a certificate could carry. */
static void
check_nameless(struct loading *l, const struct config_service *service, config_setting_t *group)
{
	const struct config_upstream_tls *tls = &service->tls;
	if (!tls->enabled || !tls->verify || tls->name != NULL)
		return;
	for (size_t i = 0; i < service->member_count; i++) {
		if (service->members[i].origin.family != AF_UNIX)
			continue;
		complain(l, group, "tls.name",
			 "missing: a member at a UNIX socket has no address that a certificate "
			 "could carry");
		return;
	}
}

static void
check_upstreams(struct loading *l)
{
	const struct config *config = l->config;
	config_setting_t *list = config_setting_get_member(l->root, "services");
	for (size_t i = 0; i < config->service_count; i++) {
		config_setting_t *group = config_setting_get_elem(list, (unsigned)i);
		if (!config_setting_is_group(group))
			continue;
		check_upstream(&(struct checked_upstream){
		    l, config_setting_get_member(group, "tls"), &config->services[i].tls});
		check_nameless(l, &config->services[i], group);
	}
	check_upstream(&(struct checked_upstream){l, config_setting_lookup(l->root, "cluster.tls"),
						  &config->cluster.tls});
	check_own_listener(l);
}

void
check_tls(struct loading *l)
{
	check_upstreams(l);
	config_setting_t *list = config_setting_get_member(l->root, "listeners");
	for (size_t i = 0; i < l->config->listener_count; i++) {
		struct checked c = {l, config_setting_get_elem(list, (unsigned)i),
				    &l->config->listeners[i].tls};
		if (config_setting_is_group(c.group))
			check_listener(&c);
	}
}
