/* identity.c: see identity.h. */
#include "tls/identity.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#define TEXT_BYTES_MAX (2 * TLS_IDENTITY_BYTES_MAX + TLS_PRINT_BYTES + TLS_COMMON_BYTES_MAX)

/* Appends as a whole, or not at all. */
static struct slice
keep(struct writer *w, const char *at, size_t bytes)
{
	struct slice kept = {w->at + w->bytes, bytes};
	if (bytes > TLS_IDENTITY_BYTES_MAX)
		return SLICE_NONE;
	for (size_t i = 0; i < bytes; i++) {
		if (at[i] < 0x20 || at[i] >= 0x7f)
			return SLICE_NONE;
	}
	write_bytes(w, at, bytes);
	return kept;
}

static struct slice
read_subject(X509 *x, struct writer *w)
{
	char *at;
	struct slice kept = SLICE_NONE;
	BIO *bio = BIO_new(BIO_s_mem());
	if (bio == NULL)
		return kept;
	/* RFC 2253 with everything beyond ASCII escaped. */
	if (X509_NAME_print_ex(bio, X509_get_subject_name(x), 0, XN_FLAG_RFC2253) >= 0) {
		long bytes = BIO_get_mem_data(bio, &at);
		kept = keep(w, at, bytes > 0 ? (size_t)bytes : 0);
	}
	BIO_free(bio);
	return kept;
}

static struct slice
read_alternative(const GENERAL_NAME *name, struct writer *w)
{
	char text[INET6_ADDRSTRLEN];
	int type;
	const ASN1_STRING *s = GENERAL_NAME_get0_value(name, &type);
	if (type == GEN_DNS || type == GEN_EMAIL || type == GEN_URI)
		return keep(w, (const char *)ASN1_STRING_get0_data(s),
			    (size_t)ASN1_STRING_length(s));
	if (type == GEN_IPADD) {
		int family = ASN1_STRING_length(s) == 4 ? AF_INET : AF_INET6;
		bool fits = ASN1_STRING_length(s) == (family == AF_INET ? 4 : 16);
		if (fits && inet_ntop(family, ASN1_STRING_get0_data(s), text, sizeof(text)) != NULL)
			return keep(w, text, strlen(text));
	}
	return SLICE_NONE;
}

static struct slice
read_alternatives(X509 *x, struct writer *w)
{
	struct slice found = SLICE_NONE;
	GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
	for (int i = 0; i < sk_GENERAL_NAME_num(names) && found.bytes == 0; i++)
		found = read_alternative(sk_GENERAL_NAME_value(names, i), w);
	GENERAL_NAMES_free(names);
	return found;
}

/* The last one: the most particular. */
static struct slice
read_common_name(X509 *x, struct writer *w)
{
	X509_NAME *subject = X509_get_subject_name(x);
	struct slice kept = SLICE_NONE;
	unsigned char *text;
	int last = -1;
	for (int i = X509_NAME_get_index_by_NID(subject, NID_commonName, -1); i >= 0;
	     i = X509_NAME_get_index_by_NID(subject, NID_commonName, i))
		last = i;
	if (last < 0)
		return kept;
	int bytes = ASN1_STRING_to_UTF8(
	    &text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, last)));
	if (bytes < 0)
		return kept;
	if (bytes <= TLS_COMMON_BYTES_MAX) {
		kept = (struct slice){w->at + w->bytes, (size_t)bytes};
		write_bytes(w, text, (size_t)bytes);
	}
	OPENSSL_free(text);
	return kept;
}

bool
tls_identity_read(X509 *certificate, struct tls_identity *out, char **text)
{
	unsigned char print[EVP_MAX_MD_SIZE];
	unsigned bytes = 0;
	*text = malloc(TEXT_BYTES_MAX);
	if (*text == NULL || X509_digest(certificate, EVP_sha256(), print, &bytes) != 1)
		return false;
	struct writer w = writer_on(*text, TEXT_BYTES_MAX);
	out->subject = read_subject(certificate, &w);
	out->san = read_alternatives(certificate, &w);
	out->fingerprint = (struct slice){w.at + w.bytes, 2 * (size_t)bytes};
	write_hex_bytes(&w, print, bytes);
	out->common_name = read_common_name(certificate, &w);
	ERR_clear_error();
	return true;
}
