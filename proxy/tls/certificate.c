/* certificate.c: see certificate.h. */
#include "tls/certificate.h"

#include "tls/ocsp.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY_MODE_REFUSED (S_IWGRP | S_IXGRP | S_IRWXO)
#define DATE_BYTES_MAX   64

/* ---- files ------------------------------------------------------------------------------------
 */

struct file {
	char *at; /* owned */
	size_t bytes;
	mode_t mode;
};

static enum result
read_open(int fd, struct file *f, struct problem *p)
{
	struct stat st;
	if (fstat(fd, &st) == -1)
		return problem_set(p, RESULT_IO, "%s", strerror(errno));
	if (!S_ISREG(st.st_mode))
		return problem_set(p, RESULT_INVALID, "not a file");
	if (st.st_size > TLS_FILE_BYTES_MAX)
		return problem_set(p, RESULT_INVALID, "larger than %ld bytes", TLS_FILE_BYTES_MAX);
	f->mode = st.st_mode;
	f->at = malloc((size_t)st.st_size + 1);
	if (f->at == NULL)
		return problem_set(p, RESULT_NO_MEMORY, "no memory");
	while (f->bytes < (size_t)st.st_size) {
		ssize_t n = read(fd, f->at + f->bytes, (size_t)st.st_size - f->bytes);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return problem_set(p, RESULT_IO, "%s", strerror(errno));
		if (n == 0)
			break;
		f->bytes += (size_t)n;
	}
	return RESULT_OK;
}

static enum result
read_file(const char *path, struct file *f, struct problem *p)
{
	*f = (struct file){.at = NULL};
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd == -1)
		return problem_set(p, errno == ENOENT ? RESULT_NOT_FOUND : RESULT_IO, "%s",
				   strerror(errno));
	enum result r = read_open(fd, f, p);
	(void)close(fd);
	return r;
}

/* What others can neither read nor change; a group may read. */
static enum result
read_private(const char *path, struct file *f, struct problem *p)
{
	enum result r = read_file(path, f, p);
	if (r == RESULT_OK && (f->mode & KEY_MODE_REFUSED) != 0)
		r = problem_set(p, RESULT_INVALID, "others can read or change it (mode %04o)",
				(unsigned)f->mode & 07777U);
	return r;
}

static void
file_wipe(struct file *f)
{
	if (f->at != NULL)
		explicit_bzero(f->at, f->bytes);
	free(f->at);
}

enum result
tls_secret_read(const char *file, uint8_t *out, size_t most, size_t *bytes, struct problem *p)
{
	struct file f;
	enum result r = read_private(file, &f, p);
	if (r == RESULT_OK && f.bytes > most)
		r = problem_set(p, RESULT_INVALID, "larger than %zu bytes", most);
	if (r == RESULT_OK) {
		assert(f.at != NULL);
		memcpy(out, f.at, f.bytes);
		*bytes = f.bytes;
	}
	file_wipe(&f);
	return r;
}

/* What OpenSSL says, as one line. */
static enum result
refuse(struct problem *p, const char *what)
{
	unsigned long error = ERR_peek_last_error();
	const char *text = ERR_reason_error_string(error);
	enum result r =
	    ERR_GET_REASON(error) == ERR_R_MALLOC_FAILURE ? RESULT_NO_MEMORY : RESULT_INVALID;
	r = problem_set(p, r, "%s%s%s", what, text == NULL ? "" : ": ", text == NULL ? "" : text);
	ERR_clear_error();
	return r;
}

/* ---- the chain --------------------------------------------------------------------------------
 */

/* All certificates of a file, at least one. */
static enum result
read_certificates(const char *path, STACK_OF(X509) * *out, struct problem *p)
{
	struct file f;
	enum result r = read_file(path, &f, p);
	STACK_OF(X509) *list = sk_X509_new_null();
	BIO *bio = r == RESULT_OK ? BIO_new_mem_buf(f.at, (int)f.bytes) : NULL;
	ERR_clear_error();
	while (bio != NULL && list != NULL && r == RESULT_OK) {
		X509 *x = PEM_read_bio_X509(bio, NULL, NULL, NULL);
		if (x == NULL)
			break;
		if (sk_X509_num(list) == TLS_CHAIN_MAX || sk_X509_push(list, x) == 0) {
			X509_free(x);
			r = problem_set(p, RESULT_INVALID, "more than %d certificates",
					TLS_CHAIN_MAX);
		}
	}
	/* Where no further block begins, all were read. */
	bool whole = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
	if (r == RESULT_OK && (list == NULL || bio == NULL))
		r = problem_set(p, RESULT_NO_MEMORY, "no memory");
	else if (r == RESULT_OK && !whole)
		r = refuse(p, "not a certificate in PEM form");
	else if (r == RESULT_OK && sk_X509_num(list) == 0)
		r = problem_set(p, RESULT_INVALID, "no certificate in PEM form");
	ERR_clear_error();
	BIO_free(bio);
	file_wipe(&f);
	if (r != RESULT_OK)
		sk_X509_pop_free(list, X509_free);
	*out = r == RESULT_OK ? list : NULL;
	return r;
}

static enum result
check_order(const struct tls_certificate *c, struct problem *p)
{
	X509 *before = c->leaf;
	for (int i = 0; i < sk_X509_num(c->chain); i++) {
		X509 *x = sk_X509_value(c->chain, i);
		if (X509_check_issued(x, before) != X509_V_OK)
			return problem_set(
			    p, RESULT_INVALID,
			    "certificate %d is not the issuer of certificate %d: the "
			    "server's own comes first, then who issued it, and so on",
			    i + 2, i + 1);
		before = x;
	}
	return RESULT_OK;
}

static enum result
read_chain(const char *path, struct tls_certificate *c, struct problem *p)
{
	enum result r = read_certificates(path, &c->chain, p);
	if (r != RESULT_OK)
		return r;
	c->leaf = sk_X509_shift(c->chain);
	unsigned bytes = sizeof(c->fingerprint);
	if (X509_digest(c->leaf, EVP_sha256(), c->fingerprint, &bytes) != 1)
		return refuse(p, "no fingerprint");
	return check_order(c, p);
}

enum result
tls_authorities_read(const char *file, STACK_OF(X509) * *out, struct problem *p)
{
	return read_certificates(file, out, p);
}

/* ---- key, OCSP --------------------------------------------------------------------------------
 */

static int
no_passphrase(char *at, int bytes, int writes, void *context)
{
	(void)at;
	(void)bytes;
	(void)writes;
	*(bool *)context = true;
	return -1;
}

static enum result
parse_key(const struct file *f, struct tls_certificate *c, struct problem *p)
{
	bool locked = false;
	BIO *bio = BIO_new_mem_buf(f->at, (int)f->bytes);
	if (bio == NULL)
		return problem_set(p, RESULT_NO_MEMORY, "no memory");
	ERR_clear_error();
	c->key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, &locked);
	BIO_free(bio);
	if (locked) {
		ERR_clear_error();
		return problem_set(p, RESULT_INVALID,
				   "locked by a passphrase, which nobody could type");
	}
	if (c->key == NULL)
		return refuse(p, "no private key in PEM form");
	if (X509_check_private_key(c->leaf, c->key) != 1) {
		ERR_clear_error();
		return problem_set(p, RESULT_INVALID, "not the key of the certificate");
	}
	return RESULT_OK;
}

static enum result
read_key(const char *path, struct tls_certificate *c, struct problem *p)
{
	struct file f;
	enum result r = read_private(path, &f, p);
	if (r == RESULT_OK)
		r = parse_key(&f, c, p);
	file_wipe(&f);
	return r;
}

static enum result
read_ocsp(const char *path, struct tls_certificate *c, struct problem *p)
{
	struct file f;
	enum result r = read_file(path, &f, p);
	if (r == RESULT_OK)
		r = ocsp_check((const unsigned char *)f.at, f.bytes, c->leaf, &c->ocsp_until_s, p);
	if (r == RESULT_OK) {
		c->ocsp = OPENSSL_memdup(f.at, f.bytes);
		c->ocsp_bytes = f.bytes;
		if (c->ocsp == NULL)
			r = problem_set(p, RESULT_NO_MEMORY, "no memory");
	}
	file_wipe(&f);
	return r;
}

enum result
tls_certificate_read(const struct tls_files *files, struct tls_certificate *out,
		     enum tls_file *which, struct problem *p)
{
	*out = (struct tls_certificate){.leaf = NULL};
	*which = TLS_FILE_CERTIFICATE;
	enum result r = read_chain(files->certificate, out, p);
	if (r == RESULT_OK) {
		*which = TLS_FILE_KEY;
		r = read_key(files->key, out, p);
	}
	if (r == RESULT_OK && files->ocsp != NULL) {
		*which = TLS_FILE_OCSP;
		r = read_ocsp(files->ocsp, out, p);
	}
	if (r != RESULT_OK)
		tls_certificate_deinit(out);
	return r;
}

void
tls_certificate_deinit(struct tls_certificate *c)
{
	X509_free(c->leaf);
	sk_X509_pop_free(c->chain, X509_free);
	EVP_PKEY_free(c->key);
	OPENSSL_free(c->ocsp);
	*c = (struct tls_certificate){.leaf = NULL};
}

/* ---- time -------------------------------------------------------------------------------------
 */

static void
write_date(const ASN1_TIME *time, char text[DATE_BYTES_MAX])
{
	struct tm t = {.tm_year = 0};
	(void)ASN1_TIME_to_tm(time, &t);
	if (strftime(text, DATE_BYTES_MAX, "%Y-%m-%dT%H:%M:%SZ", &t) == 0)
		text[0] = '\0';
}

static enum tls_validity
validity_of(X509 *x, int place, int64_t now_s, struct problem *p)
{
	char date[DATE_BYTES_MAX];
	time_t now = (time_t)now_s;
	time_t soon = now + TLS_EXPIRES_SOON_S;
	const ASN1_TIME *end = X509_get0_notAfter(x);
	if (X509_cmp_time(X509_get0_notBefore(x), &now) > 0) {
		write_date(X509_get0_notBefore(x), date);
		(void)problem_set(p, RESULT_INVALID, "certificate %d is not valid before %s", place,
				  date);
		return TLS_NOT_YET;
	}
	enum tls_validity v = X509_cmp_time(end, &now) < 0    ? TLS_EXPIRED
			      : X509_cmp_time(end, &soon) < 0 ? TLS_EXPIRES_SOON
							      : TLS_VALID;
	write_date(end, date);
	if (v != TLS_VALID)
		(void)problem_set(p, RESULT_INVALID, "certificate %d %s on %s", place,
				  v == TLS_EXPIRED ? "expired" : "expires", date);
	return v;
}

enum tls_validity
tls_certificate_validity(const struct tls_certificate *c, int64_t now_s, struct problem *p)
{
	enum tls_validity worst = validity_of(c->leaf, 1, now_s, p);
	for (int i = 0; i < sk_X509_num(c->chain) && worst <= TLS_EXPIRES_SOON; i++) {
		struct problem other;
		enum tls_validity v = validity_of(sk_X509_value(c->chain, i), i + 2, now_s, &other);
		if (v > worst) {
			worst = v;
			if (p != NULL)
				*p = other;
		}
	}
	return worst;
}

bool
tls_ocsp_expired(const struct tls_certificate *c, int64_t now_s, struct problem *p)
{
	char date[DATE_BYTES_MAX] = "";
	time_t end = (time_t)c->ocsp_until_s;
	struct tm t;
	if (c->ocsp == NULL || c->ocsp_until_s >= now_s)
		return false;
	if (gmtime_r(&end, &t) != NULL)
		(void)strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%SZ", &t);
	(void)problem_set(p, RESULT_INVALID, "expired on %s: it is not stapled", date);
	return true;
}
