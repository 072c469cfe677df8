/*
 * secrets.c: secrets and pool keys from their files, and the secret that Holdfast
 * makes for itself. Bytes of a secret live on the stack, and only until the key is
 * derived.
 */
#include "config/loading.h"
#include "config/rows.h"
#include "config/small_file.h"

#include "base/digest.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECRET_BYTES_MIN 32

#define STATE_SECRET_ID  "auto"
#define STATE_DIR_MODE   0750
#define STATE_PATH_BYTES (CONFIG_TEXT_BYTES_MAX + 32) /* state_dir and a name in it */

/* ---- one secret ----------------------------------------------------------------------------- */

static enum result
derive_master(struct config_secret *secret, struct problem *p)
{
	struct small_file f;
	enum result r = small_file_read(secret->file, &f, p);
	if (r != RESULT_OK)
		return r;
	r = small_file_check_mode(&f, p);
	if (r == RESULT_OK && f.bytes < SECRET_BYTES_MIN)
		r = problem_set(p, RESULT_INVALID, "%zu bytes, fewer than %d", f.bytes,
				SECRET_BYTES_MIN);
	if (r == RESULT_OK)
		digest_derive("holdfast secret v1", slice_of(secret->id), f.at, f.bytes,
			      secret->master);
	small_file_wipe(&f);
	return r;
}

static void
read_configured(struct loading *l)
{
	config_setting_t *list = config_setting_get_member(l->root, "secrets");
	for (size_t i = 0; i < l->config->secret_count; i++) {
		struct config_secret *secret = &l->config->secrets[i];
		struct problem p = {""};
		if (secret->id == NULL || secret->file == NULL)
			continue; /* was found */
		if (derive_master(secret, &p) != RESULT_OK)
			complain(l, config_setting_get_elem(list, (unsigned)i), "file", "%s",
				 p.text);
	}
}

/* ---- the secret of state_dir ---------------------------------------------------------------- */

static enum result
write_all(int fd, const char *at, size_t bytes)
{
	while (bytes > 0) {
		ssize_t put = write(fd, at, bytes);
		if (put == -1 && errno == EINTR)
			continue;
		if (put <= 0)
			return RESULT_IO;
		at += put;
		bytes -= (size_t)put;
	}
	return fsync(fd) == 0 ? RESULT_OK : RESULT_IO;
}

/* 256 random bits, in hexadecimal: a secret that can be copied to another node by hand. */
static enum result
write_secret(int fd)
{
	uint8_t random[SECRET_BYTES_MIN];
	char text[2 * SECRET_BYTES_MIN + 1];
	struct writer w = writer_on(text, sizeof(text));
	for (size_t i = 0; i < sizeof(random); i += 16)
		digest_random(random + i);
	write_hex_bytes(&w, random, sizeof(random));
	write_char(&w, '\n');
	enum result r = write_all(fd, text, w.bytes);
	explicit_bzero(random, sizeof(random));
	explicit_bzero(text, sizeof(text));
	return r;
}

/* Who will run reads it again, at a reload and at an upgrade. `user`: NULL: who runs now. */
static bool
give(int fd, const char *user)
{
	const struct passwd *who = user == NULL || geteuid() != 0 ? NULL : getpwnam(user);
	return who == NULL || fchown(fd, who->pw_uid, who->pw_gid) == 0;
}

static bool
make_directory(const char *dir, const char *user)
{
	if (mkdir(dir, STATE_DIR_MODE) == -1)
		return errno == EEXIST;
	int fd = open(dir, O_DIRECTORY | O_CLOEXEC);
	bool given = fd != -1 && give(fd, user);
	if (fd != -1)
		(void)close(fd);
	return given;
}

/*
 * Whole or not at all, and never over another's: of two processes that start at once, both take
 * the first one's.
 */
static enum result
make_secret(const char *dir, const char *path, const char *user, struct problem *p)
{
	char temporary[STATE_PATH_BYTES + 8];
	if (!make_directory(dir, user))
		return problem_set(p, RESULT_IO, "%s", strerror(errno));
	(void)snprintf(temporary, sizeof(temporary), "%s.XXXXXX", path);
	int fd = mkostemp(temporary, O_CLOEXEC); /* mode 0600 */
	if (fd == -1)
		return problem_set(p, RESULT_IO, "%s", strerror(errno));
	enum result r = write_secret(fd);
	if (r == RESULT_OK && !give(fd, user))
		r = RESULT_IO;
	if (r == RESULT_OK && link(temporary, path) == -1 && errno != EEXIST)
		r = RESULT_IO;
	if (r != RESULT_OK)
		(void)problem_set(p, r, "%s", strerror(errno));
	(void)close(fd);
	(void)unlink(temporary);
	return r;
}

static bool
add_state_secret(struct loading *l, const char *path)
{
	struct config *config = l->config;
	free(config->secrets); /* an empty list */
	config->secrets = calloc(1, sizeof(config->secrets[0]));
	if (config->secrets != NULL) {
		config->secret_count = 1;
		config->secrets[0].id = strdup(STATE_SECRET_ID);
		config->secrets[0].file = strdup(path);
		digest_random(config->secrets[0].master);
	}
	bool made = config->secrets != NULL && config->secrets[0].id != NULL &&
		    config->secrets[0].file != NULL;
	l->no_memory |= !made;
	return made;
}

/* Where nothing is to be written or read, the random master of this one process remains. */
static void
read_state_secret(struct loading *l)
{
	char path[STATE_PATH_BYTES];
	struct problem p = {""};
	(void)snprintf(path, sizeof(path), "%s/secret", l->config->state_dir);
	if (!add_state_secret(l, path) || l->purpose == CONFIG_FOR_EXPLAIN)
		return;
	enum result r = derive_master(&l->config->secrets[0], &p);
	if (r == RESULT_NOT_FOUND && (l->purpose == CONFIG_FOR_CHECK || l->findings->errors > 0))
		return; /* a configuration that is refused leaves nothing behind */
	if (r == RESULT_NOT_FOUND)
		r = make_secret(l->config->state_dir, path, l->config->user, &p);
	if (r == RESULT_OK)
		r = derive_master(&l->config->secrets[0], &p);
	if (r != RESULT_OK)
		complain(l, l->root, "state_dir", "no secret is configured, and %s: %s", path,
			 p.text);
}

/* ---- pool keys ------------------------------------------------------------------------------ */

static enum result
read_pool_key(const char *path, uint8_t out[POOL_KEY_BYTES], struct small_file *f,
	      struct problem *p)
{
	enum result r = small_file_read(path, f, p);
	if (r != RESULT_OK)
		return r;
	if (f->bytes == POOL_KEY_BYTES) {
		memcpy(out, f->at, POOL_KEY_BYTES);
		return RESULT_OK;
	}
	if (!hex_decode(small_file_line(f), out, POOL_KEY_BYTES))
		return problem_set(p, RESULT_INVALID, "neither %d bytes nor %d hex digits",
				   POOL_KEY_BYTES, 2 * POOL_KEY_BYTES);
	return RESULT_OK;
}

static void
read_pool_key_of(struct loading *l, config_setting_t *group, struct config_service *service)
{
	config_setting_t *setting = config_setting_lookup(group, "session.pool_key");
	const char *file = setting == NULL ? NULL : config_setting_get_string(setting);
	struct problem p = {""};
	struct small_file f;
	if (service->name != NULL)
		digest_default_pool_key(slice_of(service->name), service->pool_key);
	if (file == NULL || file[0] == '\0')
		return;
	if (read_pool_key(file, service->pool_key, &f, &p) != RESULT_OK)
		complain(l, setting, NULL, "%s", p.text);
	else if (small_file_check_mode(&f, &p) != RESULT_OK)
		warn(l, setting, NULL, "%s", p.text);
}

void
read_secrets(struct loading *l)
{
	config_setting_t *services = config_setting_get_member(l->root, "services");
	for (size_t i = 0; i < l->config->service_count; i++) {
		config_setting_t *group = config_setting_get_elem(services, (unsigned)i);
		if (config_setting_is_group(group))
			read_pool_key_of(l, group, &l->config->services[i]);
	}
	read_admin_token(l);
	if (l->config->secret_count == 0)
		read_state_secret(l);
	else if (l->purpose != CONFIG_FOR_EXPLAIN)
		read_configured(l);
}
