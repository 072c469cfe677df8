/*
 * doctor_certificates.c: see doctor.h. Those that are expired, or soon will be, are findings of the
 * configuration already and were said there.
 */
#include "base/clock.h"
#include "cli/doctor.h"
#include "tls/certificate.h"

#include <openssl/asn1.h>
#include <time.h>

#define DAY_S 86400

/* Seconds until the first one of the chain ends. */
static int64_t
left_s(const struct tls_certificate *c)
{
	int64_t least = INT64_MAX;
	for (int i = -1; i < sk_X509_num(c->chain); i++) {
		const X509 *one = i < 0 ? c->leaf : sk_X509_value(c->chain, i);
		int days = 0;
		int seconds = 0;
		if (ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(one)) == 1) {
			int64_t left = (int64_t)days * DAY_S + seconds;
			least = left < least ? left : least;
		}
	}
	return least;
}

static void
examine(struct doctor *d, const char *certificate, const char *key)
{
	struct tls_files files = {certificate, key, NULL};
	struct tls_certificate c;
	enum tls_file which;
	struct problem p = {""};
	char text[32];
	if (tls_certificate_read(&files, &c, &which, &p) != RESULT_OK)
		return;
	int64_t now_s = (int64_t)(clock_wall_ms() / 1000);
	time_t end = (time_t)(now_s + left_s(&c));
	struct tm t;
	if (tls_certificate_validity(&c, now_s, &p) == TLS_VALID && gmtime_r(&end, &t) != NULL &&
	    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &t) > 0)
		doctor_say(d, GRADE_OK, "certificate", "%s: valid until %s, %lld days", certificate,
			   text, (long long)(left_s(&c) / DAY_S));
	tls_certificate_deinit(&c);
}

static void
examine_upstream(struct doctor *d, const struct config_upstream_tls *tls)
{
	if (tls->enabled && tls->certificate != NULL)
		examine(d, tls->certificate, tls->key);
}

void
doctor_certificates(struct doctor *d)
{
	const struct config *c = d->config;
	for (size_t i = 0; i < c->listener_count; i++) {
		const struct config_tls *tls = &c->listeners[i].tls;
		for (size_t k = 0; k < tls->certificate_count; k++)
			examine(d, tls->certificates[k].certificate, tls->certificates[k].key);
	}
	for (size_t i = 0; i < c->service_count; i++)
		examine_upstream(d, &c->services[i].tls);
	examine_upstream(d, &c->cluster.tls);
}
