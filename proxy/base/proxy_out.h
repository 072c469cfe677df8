/*
 * proxy_out.h: the PROXY protocol towards members, versions 1 and 2 (HAProxy's
 * doc/proxy-protocol.txt, 2020/03/05): who the client is, ahead of the first byte of a connection.
 * What is said holds for the whole connection: one that said it is never used for another client.
 * edge/proxy_header.h reads the same.
 */
#ifndef HOLDFAST_BASE_PROXY_OUT_H
#define HOLDFAST_BASE_PROXY_OUT_H

#include "base/addr.h"

#define PROXY_OUT_TEXT_BYTES_MAX 255  /* of one value; longer ones are left out */
#define PROXY_OUT_BYTES_MAX      2124 /* of one header */

enum proxy_out { PROXY_OUT_OFF, PROXY_OUT_V1, PROXY_OUT_V2, PROXY_OUT_V2_TLS };

/*
 * What PROXY_OUT_V2_TLS says beyond addresses, as TLVs (section 2.2); an empty value is not said.
 * Only of a client whose own connection is known: nothing else says by what he came.
 */
struct proxy_about {
	struct slice unique_id;   /* of this connection */
	bool tls;                 /* he came by it; what follows is of that */
	struct slice alpn;        /* "h2" */
	struct slice authority;   /* the server name he sent (SNI) */
	struct slice version;     /* "TLSv1.3" */
	struct slice cipher;      /* "TLS_AES_128_GCM_SHA256" */
	struct slice sig_alg;     /* that signed our certificate: "RSA-SHA256" */
	struct slice key_alg;     /* of our certificate's key: "EC256" */
	struct slice common_name; /* of his certificate, UTF-8 */
	bool certified;           /* he has shown one, and it was verified; in this TLS session */
	bool resumed;             /* not on this connection */
};

/*
 * client: NULL: the connection is our own (a check): UNKNOWN, LOCAL. Without an IP address:
 * UNKNOWN, UNSPEC. `at`: where he connected to; another family, or none: both are written as IPv6,
 * or its address as zeros. `about`: NULL: nothing; otherwise for PROXY_OUT_V2_TLS alone.
 */
void proxy_out_write(struct writer *w, enum proxy_out version, const struct addr *client,
		     const struct addr *at, const struct proxy_about *about);
/* Into the empty buffer of a connection that was just made. False: errno. */
bool proxy_out_send(int fd, enum proxy_out version, const struct addr *client,
		    const struct addr *at, const struct proxy_about *about);

#endif
