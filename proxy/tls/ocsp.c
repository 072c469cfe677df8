/* ocsp.c: see ocsp.h. */
#include "tls/ocsp.h"

#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

/* By serial number and the digest of the issuer's name: the issuer itself may not be at hand. */
static bool
is_id_of(OCSP_CERTID *id, X509 *leaf)
{
	ASN1_OCTET_STRING *name = NULL;
	ASN1_OBJECT *algorithm = NULL;
	ASN1_INTEGER *serial = NULL;
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned bytes = 0;
	(void)OCSP_id_get0_info(&name, &algorithm, NULL, &serial, id);
	const EVP_MD *md = EVP_get_digestbyobj(algorithm);
	return md != NULL && ASN1_INTEGER_cmp(serial, X509_get0_serialNumber(leaf)) == 0 &&
	       X509_NAME_digest(X509_get_issuer_name(leaf), md, digest, &bytes) == 1 &&
	       ASN1_STRING_length(name) == (int)bytes &&
	       memcmp(ASN1_STRING_get0_data(name), digest, bytes) == 0;
}

static int64_t
end_of(OCSP_SINGLERESP *single)
{
	ASN1_GENERALIZEDTIME *next = NULL;
	struct tm t = {.tm_year = 0};
	(void)OCSP_single_get0_status(single, NULL, NULL, NULL, &next);
	return next == NULL || ASN1_TIME_to_tm(next, &t) != 1 ? INT64_MAX : (int64_t)timegm(&t);
}

static enum result
check_answers(OCSP_BASICRESP *basic, X509 *leaf, int64_t *until_s, struct problem *p)
{
	for (int i = 0; i < OCSP_resp_count(basic); i++) {
		OCSP_SINGLERESP *single = OCSP_resp_get0(basic, i);
		OCSP_CERTID *id = OCSP_CERTID_dup(OCSP_SINGLERESP_get0_id(single));
		if (id == NULL)
			return problem_set(p, RESULT_NO_MEMORY, "no memory");
		bool its = is_id_of(id, leaf);
		OCSP_CERTID_free(id);
		if (its) {
			*until_s = end_of(single);
			return RESULT_OK;
		}
	}
	return problem_set(p, RESULT_INVALID, "an OCSP response for another certificate");
}

enum result
ocsp_check(const unsigned char *at, size_t bytes, X509 *leaf, int64_t *until_s, struct problem *p)
{
	const unsigned char *end = at + bytes;
	ERR_clear_error();
	OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &at, (long)bytes);
	OCSP_BASICRESP *basic = NULL;
	enum result r;
	if (response == NULL || at != end)
		r = problem_set(p, RESULT_INVALID, "not an OCSP response (DER)");
	else if (OCSP_response_status(response) != OCSP_RESPONSE_STATUS_SUCCESSFUL ||
		 (basic = OCSP_response_get1_basic(response)) == NULL)
		r = problem_set(p, RESULT_INVALID, "an OCSP response without an answer");
	else
		r = check_answers(basic, leaf, until_s, p);
	OCSP_BASICRESP_free(basic);
	OCSP_RESPONSE_free(response);
	ERR_clear_error();
	return r;
}
