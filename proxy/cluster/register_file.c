/* register_file.c: the boot counter and the register on disk; see register_file.h. */
#include "cluster/register_file.h"

#include "base/text.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC       "HOLDFAST REGISTER 1\n"
#define MAGIC_BYTES (sizeof(MAGIC) - 1)
#define FLAG_IMAGE  1
#define FLAG_BEGUN  2
#define FLAGS_ALL   3
#define NEW_NAME    REGISTER_FILE_NAME ".new"
/* without values: what stands once, and a role's */
#define FIXED_BYTES_MAX \
	(MAGIC_BYTES + (size_t)2 * (1 + ID_BYTES_MAX) + 8 + 1 + 8 + 8 + 2 + DOCUMENT_DIGEST_BYTES)
#define ENTRY_BYTES_MAX (1 + ROLE_BYTES_MAX + 56 + 8)

/* ---- bytes -----------------------------------------------------------------------------------
 */

/* Of any width: what is above 8 bytes is 0. */
static void
write_number(struct writer *w, uint64_t value, size_t bytes)
{
	for (size_t i = bytes; i > 0; i--)
		write_char(w, (char)(uint8_t)(i > sizeof(value) ? 0 : value >> 8 * (i - 1)));
}

static void
write_short_text(struct writer *w, const char *text)
{
	size_t bytes = strlen(text);
	write_number(w, bytes, 1);
	write_bytes(w, text, bytes);
}

static void
write_entry(struct writer *w, const struct register_entry *e)
{
	const struct register_head *head = &e->head;
	size_t bytes = e->document == NULL ? 0 : e->document->bytes;
	write_short_text(w, e->role);
	write_number(w, head->term, 8);
	write_number(w, head->claimant.node, 4);
	write_number(w, head->claimant.boot, 8);
	write_number(w, head->stamp.term, 8);
	write_number(w, head->stamp.seq, 8);
	write_number(w, bytes, 4);
	write_bytes(w, head->digest, sizeof(head->digest));
	write_number(w, e->used, 8);
	if (bytes != 0)
		write_bytes(w, e->document->at, bytes);
}

static size_t
bytes_at_most(const struct register_image *image)
{
	size_t bytes = FIXED_BYTES_MAX;
	for (size_t i = 0; image != NULL && i < image->count; i++)
		bytes += ENTRY_BYTES_MAX +
			 (image->entry[i].document == NULL ? 0 : image->entry[i].document->bytes);
	return bytes;
}

uint8_t *
register_file_encode(const struct register_file *f, const struct register_image *image,
		     size_t *bytes)
{
	size_t room = bytes_at_most(image);
	char *at = malloc(room);
	if (at == NULL)
		return NULL;
	struct writer w = writer_on(at, room);
	write_literal(&w, MAGIC);
	write_short_text(&w, f->cluster);
	write_short_text(&w, f->node);
	write_number(&w, f->boot, 8);
	if (image == NULL) {
		write_number(&w, 0, 1 + 8 + 8 + 2);
	} else {
		write_number(&w, FLAG_IMAGE | (image->begun ? FLAG_BEGUN : 0), 1);
		write_number(&w, image->uses, 8);
		write_number(&w, image->floor, 8);
		write_number(&w, image->count, 2);
		for (size_t i = 0; i < image->count; i++)
			write_entry(&w, &image->entry[i]);
	}
	uint8_t digest[DOCUMENT_DIGEST_BYTES];
	document_digest(at, w.bytes, digest);
	write_bytes(&w, digest, sizeof(digest));
	assert(!w.overflow);
	*bytes = w.bytes;
	return (uint8_t *)at;
}

static bool
read_entry(struct body *b, struct register_image *image)
{
	struct register_entry e = {.used = 0};
	get_text(b, e.role, sizeof(e.role));
	register_head_get(b, &e.head);
	e.used = get_u64(b);
	const uint8_t *at = get_bytes(b, e.head.bytes);
	if (b->bad || e.role[0] == '\0' || register_image_find(image, e.role) != NULL)
		return false;
	if (e.head.bytes != 0) {
		e.document = document_create(at, e.head.bytes);
		if (e.document == NULL)
			return false;
	}
	image->entry[image->count++] = e;
	return e.document == NULL ||
	       memcmp(e.document->digest, e.head.digest, sizeof(e.head.digest)) == 0;
}

static bool
read_image(struct body *b, struct register_image *image, bool *has_image)
{
	uint8_t flags = get_u8(b);
	image->begun = (flags & FLAG_BEGUN) != 0;
	image->uses = get_u64(b);
	image->floor = get_u64(b);
	size_t count = get_u16(b);
	if ((flags & ~FLAGS_ALL) != 0 || count > ROLES_MAX)
		return false;
	for (size_t i = 0; i < count; i++)
		if (!read_entry(b, image))
			return false;
	*has_image = (flags & FLAG_IMAGE) != 0;
	return body_whole(b) && (*has_image || (flags == 0 && count == 0));
}

static bool
is_whole(const uint8_t *at, size_t bytes)
{
	if (bytes < MAGIC_BYTES + DOCUMENT_DIGEST_BYTES || memcmp(at, MAGIC, MAGIC_BYTES) != 0)
		return false;
	uint8_t digest[DOCUMENT_DIGEST_BYTES];
	document_digest(at, bytes - sizeof(digest), digest);
	return memcmp(digest, at + bytes - sizeof(digest), sizeof(digest)) == 0;
}

enum result
register_file_decode(struct register_file *f, const uint8_t *at, size_t bytes,
		     struct register_image *image, bool *has_image, struct problem *p)
{
	char cluster[sizeof(f->cluster)];
	char node[sizeof(f->node)];
	*has_image = false;
	if (!is_whole(at, bytes))
		return problem_set(p, RESULT_INVALID, "the register is damaged");
	struct body b = body_of(at + MAGIC_BYTES, bytes - MAGIC_BYTES - DOCUMENT_DIGEST_BYTES);
	get_text(&b, cluster, sizeof(cluster));
	get_text(&b, node, sizeof(node));
	uint64_t boot = get_u64(&b);
	if (b.bad)
		return problem_set(p, RESULT_INVALID, "the register is damaged");
	f->foreign = strcmp(cluster, f->cluster) != 0 || strcmp(node, f->node) != 0;
	if (f->foreign)
		return problem_set(p, RESULT_INVALID,
				   "the register is that of node %s of cluster %s", node, cluster);
	if (!read_image(&b, image, has_image)) {
		register_image_deinit(image);
		*has_image = false;
		return problem_set(p, RESULT_INVALID, "the register is damaged");
	}
	f->boot = boot;
	return RESULT_OK;
}

/* ---- the disk --------------------------------------------------------------------------------
 */

static enum result
refused(struct problem *p, const char *what)
{
	return problem_set(p, RESULT_IO, "%s: %s", what, strerror(errno));
}

/* The file that is being made cannot be: for want of room, or is the disk ill? */
static enum result
refused_new(struct problem *p, const char *what)
{
	bool room = errno == ENOSPC || errno == EDQUOT || errno == EFBIG;
	enum result r = refused(p, what);
	return room ? RESULT_LIMIT : r;
}

static enum result
write_whole(int fd, const uint8_t *at, size_t bytes, struct problem *p)
{
	while (bytes > 0) {
		ssize_t put = write(fd, at, bytes);
		if (put == -1 && errno == EINTR)
			continue;
		if (put == 0)
			errno = ENOSPC;
		if (put <= 0)
			return refused_new(p, "write");
		at += put;
		bytes -= (size_t)put;
	}
	return fsync(fd) == 0 ? RESULT_OK : refused_new(p, "fsync");
}

/* What an attempt left behind goes first: no byte of it, and no error that its pages kept, is of
 * this one. */
static enum result
make_new(const struct register_file *f, const uint8_t *at, size_t bytes, struct problem *p)
{
	if (unlinkat(f->directory, NEW_NAME, 0) == -1 && errno != ENOENT)
		return refused_new(p, "remove " NEW_NAME);
	int fd = openat(f->directory, NEW_NAME, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
	if (fd == -1)
		return refused_new(p, "open " NEW_NAME);
	enum result r = write_whole(fd, at, bytes, p);
	if (close(fd) == -1 && r == RESULT_OK)
		r = refused_new(p, "close");
	return r;
}

/* Once it was renamed nothing is for want of room: what the directory says on the disk is not
 * known. */
static enum result
replace(const struct register_file *f, const uint8_t *at, size_t bytes, struct problem *p)
{
	enum result r = make_new(f, at, bytes, p);
	if (r == RESULT_OK &&
	    renameat(f->directory, NEW_NAME, f->directory, REGISTER_FILE_NAME) == -1)
		r = refused_new(p, "rename");
	if (r != RESULT_OK) {
		(void)unlinkat(f->directory, NEW_NAME, 0); /* its room, too, is wanted */
		return r;
	}
	return fsync(f->directory) == 0 ? RESULT_OK : refused(p, "fsync of the directory");
}

enum result
register_file_store(const struct register_file *f, const struct register_image *image,
		    struct problem *p)
{
	assert(f->writable);
	size_t bytes;
	uint8_t *at = register_file_encode(f, image, &bytes);
	if (at == NULL)
		return problem_set(p, RESULT_NO_MEMORY, "%s: no memory", f->where);
	enum result r = replace(f, at, bytes, p);
	free(at);
	return r == RESULT_OK ? r : problem_prefix(p, r, "%s", f->where);
}

enum result
register_file_set_aside(struct register_file *f, struct problem *p)
{
	if (f->writable)
		return RESULT_OK;
	if (f->foreign)
		return problem_set(p, RESULT_INVALID, "%s is that of another node", f->where);
	enum result r = RESULT_OK;
	if (renameat(f->directory, REGISTER_FILE_NAME, f->directory, REGISTER_DAMAGED_NAME) == -1 &&
	    errno != ENOENT)
		r = refused(p, "rename to " REGISTER_DAMAGED_NAME);
	f->writable = r == RESULT_OK;
	return r == RESULT_OK ? r : problem_prefix(p, r, "%s", f->where);
}

static enum result
read_fd(int fd, uint8_t **at, size_t *bytes, struct problem *p)
{
	struct stat s;
	if (fstat(fd, &s) == -1)
		return refused(p, "stat");
	if (!S_ISREG(s.st_mode) || s.st_size > REGISTER_FILE_BYTES_MAX)
		return problem_set(p, RESULT_INVALID, "no register: not a file of at most 64 MiB");
	size_t size = (size_t)s.st_size;
	*at = malloc(size + 1);
	if (*at == NULL)
		return problem_set(p, RESULT_NO_MEMORY, "no memory");
	*bytes = 0;
	while (*bytes < size) {
		ssize_t got = read(fd, *at + *bytes, size - *bytes);
		if (got == -1 && errno == EINTR)
			continue;
		if (got == -1)
			return refused(p, "read");
		if (got == 0)
			break; /* shorter now: its checksum tells */
		*bytes += (size_t)got;
	}
	return RESULT_OK;
}

/* RESULT_NOT_FOUND: there is none. */
static enum result
load(struct register_file *f, struct register_image *image, bool *has_image, struct problem *p)
{
	int fd = openat(f->directory, REGISTER_FILE_NAME, O_RDONLY | O_CLOEXEC);
	if (fd == -1 && errno == ENOENT)
		return RESULT_NOT_FOUND;
	if (fd == -1)
		return refused(p, "open");
	uint8_t *at = NULL;
	size_t bytes = 0;
	enum result r = read_fd(fd, &at, &bytes, p);
	(void)close(fd);
	if (r == RESULT_OK)
		r = register_file_decode(f, at, bytes, image, has_image, p);
	free(at);
	return r;
}

static enum result
lock(struct register_file *f, const char *state_dir, struct problem *p)
{
	f->directory = open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (f->directory == -1)
		return refused(p, "open");
	f->lock = openat(f->directory, REGISTER_LOCK_NAME, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
	if (f->lock == -1)
		return refused(p, "open " REGISTER_LOCK_NAME);
	if (flock(f->lock, LOCK_EX | LOCK_NB) == 0)
		return RESULT_OK;
	if (errno != EWOULDBLOCK)
		return refused(p, "lock");
	return problem_set(p, RESULT_LIMIT, "another process has it: one node a directory");
}

static enum result
count_boot(struct register_file *f, uint64_t boot_floor, struct register_image *image,
	   bool *has_image, struct problem *p)
{
	enum result r = load(f, image, has_image, p);
	if (r == RESULT_NOT_FOUND)
		f->boot = 0;
	f->boot = f->boot < boot_floor ? boot_floor : f->boot + 1;
	if (r != RESULT_OK && r != RESULT_NOT_FOUND)
		return problem_prefix(p, r, "%s", f->where);
	f->writable = true;
	r = register_file_store(f, *has_image ? image : NULL, p);
	return r == RESULT_LIMIT ? RESULT_IO : r;
}

enum result
register_file_open(struct register_file *f, const char *state_dir, const char *cluster,
		   const char *node, uint64_t boot_floor, struct register_image *image,
		   bool *has_image, struct problem *p)
{
	assert(boot_floor >= 1);
	*f = (struct register_file){.directory = -1, .lock = -1};
	memset(image, 0, sizeof(*image));
	*has_image = false;
	(void)snprintf(f->where, sizeof(f->where), "%s/" REGISTER_FILE_NAME, state_dir);
	(void)snprintf(f->cluster, sizeof(f->cluster), "%s", cluster);
	(void)snprintf(f->node, sizeof(f->node), "%s", node);
	enum result r = lock(f, state_dir, p);
	if (r != RESULT_OK)
		r = problem_prefix(p, r, "state_dir %s", state_dir);
	else
		r = count_boot(f, boot_floor, image, has_image, p);
	if (r != RESULT_OK && r != RESULT_INVALID) {
		register_image_deinit(image);
		*has_image = false;
		register_file_close(f);
	}
	return r;
}

void
register_file_close(struct register_file *f)
{
	if (f->lock != -1)
		(void)close(f->lock);
	if (f->directory != -1)
		(void)close(f->directory);
	f->lock = -1;
	f->directory = -1;
}
