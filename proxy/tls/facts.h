/*
 * facts.h: what a handshake settled, as plain data that rooms read without knowing TLS. Kept by the
 * connection's channel, and lives as long as that.
 */
#ifndef HOLDFAST_TLS_FACTS_H
#define HOLDFAST_TLS_FACTS_H

#include "base/text.h"

#define TLS_NAME_BYTES_MAX     255 /* of a server's name */
#define TLS_IDENTITY_BYTES_MAX 512 /* of a subject, and of the first alternative name */
#define TLS_COMMON_BYTES_MAX   255 /* of a common name */
#define TLS_KEY_ALG_BYTES      16
#define TLS_PRINT_BYTES        64 /* hex digits of a SHA-256 */

/* What a handshake ended with; the text is that of include/tbl/arrival_failures.h. */
enum tls_handshake {
	TLS_HANDSHAKE_WAITS, /* see waits_read, waits_write */
	TLS_HANDSHAKE_DONE,
	TLS_HANDSHAKE_CLOSED,      /* the other side went away */
	TLS_HANDSHAKE_NOT_TLS,     /* it began with a request of plain HTTP */
	TLS_HANDSHAKE_VERSION,     /* no version of the protocol in common */
	TLS_HANDSHAKE_CIPHER,      /* no cipher, group or signature in common */
	TLS_HANDSHAKE_ALPN,        /* no application protocol in common */
	TLS_HANDSHAKE_CERTIFICATE, /* the other side's is missing or does not verify */
	TLS_HANDSHAKE_ALERT,       /* the other side refused: our certificate, mostly */
	TLS_HANDSHAKE_FAILED,      /* anything else that breaks the protocol */
	TLS_HANDSHAKE_NO_MEMORY,
};

/* Of a client certificate that was verified. All but the common name is printable ASCII; what is
 * not stands escaped (RFC 2253). */
struct tls_identity {
	struct slice subject; /* RFC 2253 text; may be empty */
	struct slice san; /* first alternative name: DNS, e-mail, URI or IP text; may be empty */
	struct slice fingerprint; /* SHA-256 of the certificate, lower-case hex */
	struct slice common_name; /* of the subject, UTF-8, any characters; may be empty */
};

struct tls_facts {
	struct slice version;                /* "TLSv1.3"; static */
	struct slice cipher;                 /* "TLS_AES_128_GCM_SHA256"; static */
	struct slice server_name;            /* lower case; empty: the client named none */
	struct slice protocol;               /* by ALPN; empty: none was asked for */
	const struct tls_identity *identity; /* NULL: no client certificate */
	struct slice sig_alg;                /* that signed our certificate, "RSA-SHA256"; static */
	char key_alg[TLS_KEY_ALG_BYTES];     /* of our certificate's key: "RSA2048", "EC256" */
	bool resumed;
	bool named_strictly; /* requests for another host than server_name belong elsewhere (421) */
};

#endif
