/*
 * files.h: an authority and what it signs, as files of a folder that goes with the test, for the
 * tests of this room. After cmocka.h's own includes.
 */
#ifndef HOLDFAST_TESTS_TLS_FILES_H
#define HOLDFAST_TESTS_TLS_FILES_H

#include "pair.h"

#include <openssl/pem.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define PATH_BYTES 96

/* ---- fixture: an authority, and files ---------------------------------------------------------
 */

struct authority {
	EVP_PKEY *key;
	X509 *certificate;
	char file[PATH_BYTES];
};

static char folder[PATH_BYTES];
static int made;

static inline void
path_of(char path[PATH_BYTES], const char *what)
{
	(void)snprintf(path, PATH_BYTES, "%.60s/%d.%s", folder, made++, what);
}

static inline void
write_certificate(const char *path, X509 *x)
{
	FILE *to = fopen(path, "w");
	assert_non_null(to);
	assert_int_equal(PEM_write_X509(to, x), 1);
	(void)fclose(to);
}

static inline struct authority
authority_make(const char *name)
{
	struct authority a = {.key = make_key()};
	a.certificate = make_certificate(a.key, name, NULL, -3600, 3600, NULL, NULL, true);
	path_of(a.file, "pem");
	write_certificate(a.file, a.certificate);
	return a;
}

static inline void
authority_deinit(struct authority *a)
{
	X509_free(a->certificate);
	EVP_PKEY_free(a->key);
}

struct issued {
	char certificate[PATH_BYTES];
	char key[PATH_BYTES];
};

static inline struct issued
issue(const struct authority *a, const char *name, const char *san, long to_s)
{
	struct issued i;
	EVP_PKEY *key = make_key();
	X509 *x = make_certificate(key, name, san, -7200, to_s, a->certificate, a->key, false);
	path_of(i.certificate, "pem");
	path_of(i.key, "key");
	write_certificate(i.certificate, x);
	FILE *to = fopen(i.key, "w");
	assert_non_null(to);
	assert_int_equal(PEM_write_PrivateKey(to, key, NULL, NULL, 0, NULL, NULL), 1);
	(void)fclose(to);
	assert_int_equal(chmod(i.key, 0600), 0);
	X509_free(x);
	EVP_PKEY_free(key);
	return i;
}

static inline int
make_folder(void **state)
{
	(void)state;
	(void)signal(SIGPIPE, SIG_IGN);
	(void)strcpy(folder, "/tmp/holdfast-tls-XXXXXX");
	return mkdtemp(folder) == NULL;
}

static inline int
drop_folder(void **state)
{
	(void)state;
	char path[PATH_BYTES];
	static const char *const kinds[] = {"pem", "key"};
	for (int i = 0; i < made; i++) {
		for (size_t k = 0; k < 2; k++) {
			(void)snprintf(path, sizeof(path), "%.60s/%d.%s", folder, i, kinds[k]);
			(void)unlink(path);
		}
	}
	return rmdir(folder);
}

#endif
