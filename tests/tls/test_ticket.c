/* test_ticket.c: keys of session tickets over time; see proxy/tls/ticket.h. */
#include "tls/ticket.h"

#include <openssl/evp.h>
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define NOW (INT64_C(1000) * TICKET_PERIOD_S + 77)

/* ---- fixture ----------------------------------------------------------------------------------
 */

struct node {
	uint8_t root[TICKET_ROOT_BYTES];
	EVP_CIPHER *cipher;
	EVP_MAC *hmac;
};

struct ticket {
	unsigned char name[TICKET_NAME_BYTES];
	unsigned char iv[EVP_MAX_IV_LENGTH];
	unsigned char sealed[64];
	int bytes;
	unsigned char mac[32];
};

static const char text[] = "a session";

static struct node
node_of(const char *secret, const char *bound)
{
	struct node n = {.cipher = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL),
			 .hmac = EVP_MAC_fetch(NULL, "HMAC", NULL)};
	ticket_root_derive(secret, strlen(secret), bound, strlen(bound), n.root);
	return n;
}

static void
node_deinit(struct node *n)
{
	EVP_CIPHER_free(n->cipher);
	EVP_MAC_free(n->hmac);
}

static void
mac_of(EVP_MAC_CTX *mac, const struct ticket *t, unsigned char out[32])
{
	size_t bytes = 0;
	assert_int_equal(EVP_MAC_update(mac, t->sealed, (size_t)t->bytes), 1);
	assert_int_equal(EVP_MAC_final(mac, out, &bytes, 32), 1);
	assert_int_equal(bytes, 32);
}

static struct ticket
seal(const struct node *n, int64_t now_s)
{
	struct ticket t = {.bytes = 0};
	int rest = 0;
	EVP_CIPHER_CTX *crypt = EVP_CIPHER_CTX_new();
	EVP_MAC_CTX *mac = EVP_MAC_CTX_new(n->hmac);
	assert_int_equal(ticket_crypt(n->root, now_s, n->cipher, t.name, t.iv, crypt, mac, 1), 1);
	assert_int_equal(
	    EVP_EncryptUpdate(crypt, t.sealed, &t.bytes, (const unsigned char *)text, sizeof(text)),
	    1);
	assert_int_equal(EVP_EncryptFinal_ex(crypt, t.sealed + t.bytes, &rest), 1);
	t.bytes += rest;
	mac_of(mac, &t, t.mac);
	EVP_CIPHER_CTX_free(crypt);
	EVP_MAC_CTX_free(mac);
	return t;
}

/* What ticket_crypt says; when it knows the key, the text and the mac must come out. */
static int
open_ticket(const struct node *n, int64_t now_s, struct ticket t)
{
	unsigned char plain[64];
	unsigned char mac_text[32];
	int bytes = 0;
	int rest = 0;
	EVP_CIPHER_CTX *crypt = EVP_CIPHER_CTX_new();
	EVP_MAC_CTX *mac = EVP_MAC_CTX_new(n->hmac);
	int said = ticket_crypt(n->root, now_s, n->cipher, t.name, t.iv, crypt, mac, 0);
	if (said > 0) {
		mac_of(mac, &t, mac_text);
		assert_memory_equal(mac_text, t.mac, sizeof(mac_text));
		assert_int_equal(EVP_DecryptUpdate(crypt, plain, &bytes, t.sealed, t.bytes), 1);
		assert_int_equal(EVP_DecryptFinal_ex(crypt, plain + bytes, &rest), 1);
		assert_int_equal(bytes + rest, sizeof(text));
		assert_memory_equal(plain, text, sizeof(text));
	}
	EVP_CIPHER_CTX_free(crypt);
	EVP_MAC_CTX_free(mac);
	return said;
}

/* ---- cases ------------------------------------------------------------------------------------
 */

/* Within its period a ticket is good; in the next one it is good and sealed anew; then it is over.
 */
static void
keys_rotate(void **state)
{
	(void)state;
	struct node n = node_of("secret", "a");
	struct ticket t = seal(&n, NOW);
	int64_t first = NOW - NOW % TICKET_PERIOD_S;
	assert_int_equal(open_ticket(&n, NOW, t), 1);
	assert_int_equal(open_ticket(&n, first, t), 1);
	assert_int_equal(open_ticket(&n, first + TICKET_PERIOD_S - 1, t), 1);
	assert_int_equal(open_ticket(&n, first + TICKET_PERIOD_S, t), 2);
	assert_int_equal(open_ticket(&n, first + 2 * TICKET_PERIOD_S - 1, t), 2);
	assert_int_equal(open_ticket(&n, first + 2 * TICKET_PERIOD_S, t), 0);
	struct ticket next = seal(&n, first + TICKET_PERIOD_S);
	assert_memory_not_equal(next.name, t.name, sizeof(t.name));
	node_deinit(&n);
}

/* A node whose clock is behind opens what one ahead of it has sealed, one period and no more. */
static void
clocks_differ(void **state)
{
	(void)state;
	struct node ahead = node_of("secret", "a");
	struct node behind = node_of("secret", "a");
	struct ticket t = seal(&ahead, NOW + TICKET_PERIOD_S);
	assert_int_equal(open_ticket(&behind, NOW, t), 2);
	assert_int_equal(open_ticket(&behind, NOW - TICKET_PERIOD_S, t), 0);
	node_deinit(&ahead);
	node_deinit(&behind);
}

/* Nodes that share the secret share tickets; another secret or listener knows nothing of them. */
static void
roots_are_apart(void **state)
{
	(void)state;
	struct node a = node_of("secret", "a");
	struct node same = node_of("secret", "a");
	struct node bound = node_of("secret", "b");
	struct node other = node_of("secret2", "a");
	struct node shifted = node_of("secre", "ta");
	struct ticket t = seal(&a, NOW);
	assert_int_equal(open_ticket(&same, NOW, t), 1);
	assert_int_equal(open_ticket(&bound, NOW, t), 0);
	assert_int_equal(open_ticket(&other, NOW, t), 0);
	assert_int_equal(open_ticket(&shifted, NOW, t), 0);
	node_deinit(&a);
	node_deinit(&same);
	node_deinit(&bound);
	node_deinit(&other);
	node_deinit(&shifted);
}

/* Two tickets of one text are not alike. */
static void
each_has_its_own_iv(void **state)
{
	(void)state;
	struct node n = node_of("secret", "a");
	struct ticket one = seal(&n, NOW);
	struct ticket two = seal(&n, NOW);
	assert_memory_equal(one.name, two.name, sizeof(one.name));
	assert_memory_not_equal(one.sealed, two.sealed, (size_t)one.bytes);
	node_deinit(&n);
}

static void
the_process_has_one_secret(void **state)
{
	(void)state;
	static const uint8_t zeros[TICKET_ROOT_BYTES];
	assert_ptr_equal(ticket_process_secret(), ticket_process_secret());
	assert_memory_not_equal(ticket_process_secret(), zeros, sizeof(zeros));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(keys_rotate),
	    cmocka_unit_test(clocks_differ),
	    cmocka_unit_test(roots_are_apart),
	    cmocka_unit_test(each_has_its_own_iv),
	    cmocka_unit_test(the_process_has_one_secret),
	};
	if (sodium_init() == -1)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
