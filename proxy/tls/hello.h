/*
 * hello.h: what a ClientHello says that decides about the certificate: the server name (RFC 6066
 * section 3), and whether the client takes a key of a kind (signature_algorithms, RFC 8446 section
 * 4.2.3; in TLS 1.2 the cipher suites as well). For use in OpenSSL's client_hello callback alone.
 */
#ifndef HOLDFAST_TLS_HELLO_H
#define HOLDFAST_TLS_HELLO_H

#include "tls/channel.h"

#include <openssl/ssl.h>
#include <stdbool.h>

/* In lower case, without a dot at the end. False: there is none to go by. */
bool hello_server_name(SSL *ssl, char name[TLS_NAME_BYTES_MAX + 1]);

/* key: EVP_PKEY_RSA, EVP_PKEY_EC, ... A kind that is not known is taken. */
bool hello_takes_key(SSL *ssl, int key);

#endif
