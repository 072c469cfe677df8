/*
 * tls.c: TLS of listeners, as their files are now: certificates that a client would refuse, keys
 * that do not fit, and client certificates without anyone who signs them.
 *
 * An expired certificate refuses `check`, but not a start: the other names and listeners are to be
 * served all the same.
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

static void
note(struct loading *l, enum result r)
{
	l->no_memory |= r == RESULT_NO_MEMORY;
}

static void
check_validity(const struct checked *c, config_setting_t *element,
	       const struct tls_certificate *certificate)
{
	struct problem p = {""};
	int64_t now_s = (int64_t)(clock_wall_ms() / 1000);
	enum tls_validity v = tls_certificate_validity(certificate, now_s, &p);
	if (v == TLS_VALID)
		return;
	if (v != TLS_EXPIRES_SOON && c->l->purpose == CONFIG_FOR_CHECK)
		complain(c->l, element, "certificate", "%s", p.text);
	else
		warn(c->l, element, "certificate", "%s", p.text);
}

static void
check_certificate(const struct checked *c, config_setting_t *element,
		  const struct config_certificate *files)
{
	static const char *const keys[] = {"certificate", "key", "ocsp"};
	struct tls_files named = {files->certificate, files->key, files->ocsp};
	struct tls_certificate certificate;
	enum tls_file which;
	struct problem p = {""};
	if (files->certificate == NULL || files->key == NULL)
		return; /* was found */
	enum result r = tls_certificate_read(&named, &certificate, &which, &p);
	note(c->l, r);
	if (r != RESULT_OK) {
		complain(c->l, element, keys[which], "%s", p.text);
		return;
	}
	check_validity(c, element, &certificate);
	tls_certificate_deinit(&certificate);
}

static void
check_clients(const struct checked *c)
{
	const struct config_tls *tls = c->tls;
	struct problem p = {""};
	STACK_OF(X509) *authorities = NULL;
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
	enum result r = tls_authorities_read(tls->client_ca, &authorities, &p);
	note(c->l, r);
	if (r != RESULT_OK)
		complain(c->l, c->group, "tls.client_ca", "%s", p.text);
	sk_X509_pop_free(authorities, X509_free);
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
	for (size_t i = 0; i < c->tls->certificate_count; i++)
		check_certificate(c, config_setting_get_elem(list, (unsigned)i),
				  &c->tls->certificates[i]);
	check_clients(c);
	check_ticket_secret(c);
}

void
check_tls(struct loading *l)
{
	config_setting_t *list = config_setting_get_member(l->root, "listeners");
	for (size_t i = 0; i < l->config->listener_count; i++) {
		struct checked c = {l, config_setting_get_elem(list, (unsigned)i),
				    &l->config->listeners[i].tls};
		if (config_setting_is_group(c.group))
			check_listener(&c);
	}
}
