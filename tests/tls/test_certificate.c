/* test_certificate.c: certificates from files: what is read, and what is refused and why. */
#include "tls/certificate.h"

#include "files.h"

#include <openssl/sha.h>
#include <time.h>

static struct tls_certificate got;
static enum tls_file which;
static struct problem problem;

static enum result
read_files(const char *certificate, const char *key, const char *ocsp)
{
	struct tls_files files = {certificate, key, ocsp};
	problem.text[0] = '\0';
	return tls_certificate_read(&files, &got, &which, &problem);
}

static void
assert_refused(enum result wanted, enum tls_file file, const char *says)
{
	assert_int_equal(wanted, RESULT_INVALID);
	assert_int_equal(which, file);
	if (strstr(problem.text, says) == NULL)
		fail_msg("%s, not %s", problem.text, says);
	assert_null(got.leaf);
	assert_null(got.key);
}

/* A file of these bytes, repeated. */
static const char *
file_of(const char *text, size_t times, mode_t mode)
{
	static char path[PATH_BYTES];
	path_of(path, "pem");
	FILE *to = fopen(path, "w");
	assert_non_null(to);
	for (size_t i = 0; i < times; i++)
		(void)fputs(text, to);
	(void)fclose(to);
	assert_int_equal(chmod(path, mode), 0);
	return path;
}

/* The certificates of `list`, one behind the other. */
static void
write_chain(char path[PATH_BYTES], X509 *const *list, size_t count)
{
	path_of(path, "pem");
	FILE *to = fopen(path, "w");
	assert_non_null(to);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(PEM_write_X509(to, list[i]), 1);
	(void)fclose(to);
}

static void
reads_a_chain_in_its_order(void **state)
{
	(void)state;
	struct authority root = authority_make("root");
	struct issued own = issue(&root, "x", "DNS:x", 3600);
	char chain[PATH_BYTES];
	assert_int_equal(read_files(own.certificate, own.key, NULL), RESULT_OK);
	assert_int_equal(sk_X509_num(got.chain), 0);
	X509 *leaf = X509_dup(got.leaf);
	unsigned char print[EVP_MAX_MD_SIZE];
	unsigned bytes;
	assert_int_equal(X509_digest(leaf, EVP_sha256(), print, &bytes), 1);
	assert_memory_equal(got.fingerprint, print, TLS_FINGERPRINT);
	tls_certificate_deinit(&got);
	write_chain(chain, (X509 *[]){leaf, root.certificate}, 2);
	assert_int_equal(read_files(chain, own.key, NULL), RESULT_OK);
	assert_int_equal(sk_X509_num(got.chain), 1);
	assert_int_equal(X509_cmp(got.leaf, leaf), 0);
	assert_int_equal(X509_cmp(sk_X509_value(got.chain, 0), root.certificate), 0);
	tls_certificate_deinit(&got);
	write_chain(chain, (X509 *[]){root.certificate, leaf}, 2);
	assert_refused(read_files(chain, own.key, NULL), TLS_FILE_CERTIFICATE,
		       "not the issuer of certificate 1");
	X509 *many[TLS_CHAIN_MAX + 1];
	for (size_t i = 0; i <= TLS_CHAIN_MAX; i++)
		many[i] = leaf;
	write_chain(chain, many, TLS_CHAIN_MAX + 1);
	assert_refused(read_files(chain, own.key, NULL), TLS_FILE_CERTIFICATE, "more than");
	X509_free(leaf);
	authority_deinit(&root);
}

static void
refuses_what_is_no_certificate(void **state)
{
	(void)state;
	struct authority root = authority_make("root");
	struct issued own = issue(&root, "x", "DNS:x", 3600);
	assert_refused(read_files(file_of("", 1, 0600), own.key, NULL), TLS_FILE_CERTIFICATE,
		       "no certificate in PEM form");
	assert_refused(read_files(own.key, own.key, NULL), TLS_FILE_CERTIFICATE,
		       "no certificate in PEM form");
	assert_refused(read_files(file_of("-----BEGIN CERTIFICATE-----\nbm8=\n"
					  "-----END CERTIFICATE-----\n",
					  1, 0600),
				  own.key, NULL),
		       TLS_FILE_CERTIFICATE, "PEM form");
	assert_refused(read_files(file_of("0123456789abcdef", TLS_FILE_BYTES_MAX / 16 + 1, 0600),
				  own.key, NULL),
		       TLS_FILE_CERTIFICATE, "larger than");
	assert_int_equal(read_files("/nonexistent/x.pem", own.key, NULL), RESULT_NOT_FOUND);
	assert_int_equal(which, TLS_FILE_CERTIFICATE);
	assert_int_equal(read_files(folder, own.key, NULL) == RESULT_OK, false);
	authority_deinit(&root);
}

static void
refuses_keys(void **state)
{
	(void)state;
	struct authority root = authority_make("root");
	struct issued own = issue(&root, "x", "DNS:x", 3600);
	struct issued other = issue(&root, "y", "DNS:y", 3600);
	assert_refused(read_files(own.certificate, other.key, NULL), TLS_FILE_KEY,
		       "not the key of the certificate");
	assert_refused(read_files(own.certificate, file_of("x", 40, 0600), NULL), TLS_FILE_KEY,
		       "no private key");
	assert_int_equal(read_files(own.certificate, "/nonexistent/key", NULL), RESULT_NOT_FOUND);
	assert_int_equal(which, TLS_FILE_KEY);
	static const mode_t open_modes[] = {0604, 0602, 0622, 0644, 0666};
	for (size_t i = 0; i < sizeof(open_modes) / sizeof(open_modes[0]); i++) {
		assert_int_equal(chmod(own.key, open_modes[i]), 0);
		assert_refused(read_files(own.certificate, own.key, NULL), TLS_FILE_KEY,
			       "others can read or change it");
	}
	assert_int_equal(chmod(own.key, 0400), 0);
	assert_int_equal(read_files(own.certificate, own.key, NULL), RESULT_OK);
	tls_certificate_deinit(&got);
	authority_deinit(&root);
}

static void
refuses_what_is_no_ocsp_response(void **state)
{
	(void)state;
	struct authority root = authority_make("root");
	struct issued own = issue(&root, "x", "DNS:x", 3600);
	assert_refused(read_files(own.certificate, own.key, own.certificate), TLS_FILE_OCSP,
		       "not an OCSP response (DER)");
	assert_refused(read_files(own.certificate, own.key, file_of("", 1, 0600)), TLS_FILE_OCSP,
		       "OCSP response");
	/* OCSPResponse { responseStatus tryLater } */
	assert_refused(read_files(own.certificate, own.key, file_of("0\003\n\001\003", 1, 0600)),
		       TLS_FILE_OCSP, "without an answer");
	assert_int_equal(read_files(own.certificate, own.key, "/nonexistent/ocsp"),
			 RESULT_NOT_FOUND);
	assert_int_equal(which, TLS_FILE_OCSP);
	authority_deinit(&root);
}

/* Of a certificate: valid, soon over, over, not yet; the chain's worst counts. */
static void
validity_by_the_clock(void **state)
{
	(void)state;
	struct authority a = authority_make("root");
	struct issued own = issue(&a, "x", "DNS:x", 40L * 86400);
	struct tls_files files = {own.certificate, own.key, NULL};
	struct tls_certificate c;
	struct problem p = {""};
	assert_int_equal(tls_certificate_read(&files, &c, &which, &p), RESULT_OK);
	int64_t now = (int64_t)time(NULL);
	assert_int_equal(tls_certificate_validity(&c, now, &p), TLS_VALID);
	assert_int_equal(tls_certificate_validity(&c, now + 30L * 86400, &p), TLS_EXPIRES_SOON);
	assert_int_equal(tls_certificate_validity(&c, now + 41L * 86400, &p), TLS_EXPIRED);
	assert_non_null(strstr(p.text, "certificate 1 expired on "));
	assert_int_equal(tls_certificate_validity(&c, now - 86400, &p), TLS_NOT_YET);
	tls_certificate_deinit(&c);
	authority_deinit(&a);
}

static void
authorities_and_secrets(void **state)
{
	(void)state;
	struct authority a = authority_make("root");
	struct authority b = authority_make("other");
	char both[PATH_BYTES];
	STACK_OF(X509) *list = NULL;
	uint8_t secret[64];
	size_t bytes = 0;
	write_chain(both, (X509 *[]){a.certificate, b.certificate}, 2);
	assert_int_equal(tls_authorities_read(both, &list, &problem), RESULT_OK);
	assert_int_equal(sk_X509_num(list), 2);
	sk_X509_pop_free(list, X509_free);
	assert_int_equal(tls_authorities_read("/nonexistent/ca", &list, &problem),
			 RESULT_NOT_FOUND);
	assert_int_equal(tls_authorities_read(file_of("x", 9, 0600), &list, &problem),
			 RESULT_INVALID);
	assert_int_equal(tls_secret_read(file_of("0123456789abcdef", 4, 0600), secret,
					 sizeof(secret), &bytes, &problem),
			 RESULT_OK);
	assert_int_equal(bytes, 64);
	assert_memory_equal(secret + 48, "0123456789abcdef", 16);
	assert_int_equal(tls_secret_read(file_of("0123456789abcdef", 5, 0600), secret,
					 sizeof(secret), &bytes, &problem),
			 RESULT_INVALID);
	assert_int_equal(tls_secret_read(file_of("0123456789abcdef", 4, 0644), secret,
					 sizeof(secret), &bytes, &problem),
			 RESULT_INVALID);
	authority_deinit(&a);
	authority_deinit(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reads_a_chain_in_its_order),
	    cmocka_unit_test(refuses_what_is_no_certificate),
	    cmocka_unit_test(refuses_keys),
	    cmocka_unit_test(refuses_what_is_no_ocsp_response),
	    cmocka_unit_test(validity_by_the_clock),
	    cmocka_unit_test(authorities_and_secrets),
	};
	return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
