/* hello.c: see hello.h. */
#include "tls/hello.h"

#include "base/text.h"

#include <openssl/evp.h>

bool
hello_server_name(SSL *ssl, char name[TLS_NAME_BYTES_MAX + 1])
{
	const unsigned char *at;
	size_t bytes;
	if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &at, &bytes) != 1 ||
	    bytes < 5 || at[2] != TLSEXT_NAMETYPE_host_name)
		return false;
	size_t length = (size_t)at[3] << 8 | at[4];
	if (length == 0 || length > TLS_NAME_BYTES_MAX || length > bytes - 5)
		return false;
	for (size_t i = 0; i < length; i++) {
		if (at[5 + i] <= 0x20 || at[5 + i] >= 0x7f)
			return false;
		name[i] = ascii_lower((char)at[5 + i]);
	}
	if (name[length - 1] == '.')
		length--;
	name[length] = '\0';
	return length > 0;
}

/* SignatureScheme (RFC 8446 section 4.2.3), SHA-2 and better alone. */
static bool
is_scheme_of(int key, unsigned scheme)
{
	unsigned hash = scheme >> 8;
	unsigned how = scheme & 0xff;
	switch (key) {
	case EVP_PKEY_RSA:
		return (how == 1 && hash >= 4 && hash <= 6) ||
		       (scheme >= 0x0804 && scheme <= 0x0806);
	case EVP_PKEY_EC:
		return how == 3 && hash >= 4 && hash <= 6;
	case EVP_PKEY_ED25519:
		return scheme == 0x0807;
	default:
		return true;
	}
}

static bool
takes_scheme(SSL *ssl, int key)
{
	const unsigned char *at;
	size_t bytes;
	if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_signature_algorithms, &at, &bytes) != 1)
		return true;
	for (size_t i = 2; i + 2 <= bytes; i += 2)
		if (is_scheme_of(key, (unsigned)at[i] << 8 | at[i + 1]))
			return true;
	return false;
}

/* Of TLS_CIPHERS_1_2 (suites.h), or any of TLS 1.3, which go with every key. */
static bool
is_suite_of(int key, unsigned suite)
{
	if (suite >> 8 == 0x13)
		return true;
	bool rsa = suite == 0xc02f || suite == 0xc030 || suite == 0xcca8;
	bool ecdsa = suite == 0xc02b || suite == 0xc02c || suite == 0xcca9;
	return key == EVP_PKEY_RSA ? rsa : ecdsa;
}

static bool
takes_suite(SSL *ssl, int key)
{
	const unsigned char *at;
	size_t bytes = SSL_client_hello_get0_ciphers(ssl, &at);
	for (size_t i = 0; i + 2 <= bytes; i += 2)
		if (is_suite_of(key, (unsigned)at[i] << 8 | at[i + 1]))
			return true;
	return false;
}

bool
hello_takes_key(SSL *ssl, int key)
{
	return takes_scheme(ssl, key) && takes_suite(ssl, key);
}
