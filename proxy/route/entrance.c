/* entrance.c: see entrance.h. */
#include "route/entrance.h"

#include <stdlib.h>

static enum result
read_networks(struct entrance *e, struct problem *p)
{
	size_t count = e->config->proxy_protocol_count;
	if (count == 0)
		return RESULT_OK;
	e->proxies = calloc(count, sizeof(*e->proxies));
	if (e->proxies == NULL)
		return problem_set(p, RESULT_NO_MEMORY, "no memory");
	for (size_t i = 0; i < count; i++) {
		enum result r =
		    network_parse(slice_of(e->config->proxy_protocol[i]), &e->proxies[i], p);
		if (r != RESULT_OK)
			return r;
		e->proxy_count++;
	}
	return RESULT_OK;
}

static enum result
make_context(struct entrance *e, struct slice place, struct problem *p)
{
	const struct config_tls *tls = &e->config->tls;
	struct tls_files files[CERTIFICATES_MAX];
	if (tls->certificate_count == 0)
		return RESULT_OK;
	static_assert(CERTIFICATES_MAX <= TLS_CERTIFICATES_MAX, "each of a listener's has room");
	for (size_t i = 0; i < tls->certificate_count; i++)
		files[i] = (struct tls_files){tls->certificates[i].certificate,
					      tls->certificates[i].key, tls->certificates[i].ocsp};
	struct tls_settings settings = {
	    .files = files,
	    .count = tls->certificate_count,
	    .only_1_3 = tls->only_1_3,
	    .http1 = e->config->http1,
	    .http2 = e->config->http2,
	    .client_auth = (enum tls_client_auth)tls->client_auth,
	    .client_ca = tls->client_ca,
	    .ticket_secret = tls->ticket_secret,
	    .place = place,
	};
	return tls_context_create(&settings, &e->tls, p);
}

static enum result
entrance_init(struct entrance *e, const struct config_listener *config, struct problem *p)
{
	char text[ADDR_TEXT_BYTES_MAX];
	struct writer place = writer_on(text, sizeof(text));
	e->config = config;
	write_addr(&place, &config->address);
	enum result r = read_networks(e, p);
	if (r == RESULT_OK)
		r = make_context(e, (struct slice){place.at, place.bytes}, p);
	return r == RESULT_OK ? r : problem_prefix(p, r, "listener %s", writer_text(&place));
}

enum result
entrances_create(const struct config *config, struct entrance **out, struct problem *p)
{
	enum result r = RESULT_OK;
	struct entrance *list = calloc(config->listener_count + 1, sizeof(*list));
	*out = NULL;
	if (list == NULL)
		return problem_set(p, RESULT_NO_MEMORY, "no memory");
	for (size_t i = 0; r == RESULT_OK && i < config->listener_count; i++)
		r = entrance_init(&list[i], &config->listeners[i], p);
	if (r != RESULT_OK)
		entrances_free(&list, config->listener_count);
	*out = list;
	return r;
}

void
entrances_free(struct entrance **held, size_t count)
{
	struct entrance *list = *held;
	*held = NULL;
	if (list == NULL)
		return;
	for (size_t i = 0; i < count; i++) {
		tls_context_unref(&list[i].tls);
		free(list[i].proxies);
	}
	free(list);
}
