/*
 * test_register_file.c: what a voter has on disk: whole or refused, never half; one process a
 * directory; the boot counter grows.
 */
#include "cluster/register_file.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define FLOOR 1000

static char directory[64];
static char path[96];
static struct register_file file;
static struct register_image image;
static bool has_image;
static struct problem problem;

static enum result
open_as(const char *cluster, const char *node)
{
	return register_file_open(&file, directory, cluster, node, FLOOR, &image, &has_image,
				  &problem);
}

static void
close_all(void)
{
	register_image_deinit(&image);
	register_file_close(&file);
}

static int
setup(void **state)
{
	(void)state;
	(void)snprintf(directory, sizeof(directory), "/tmp/holdfast-register-XXXXXX");
	if (mkdtemp(directory) == NULL)
		return -1;
	(void)snprintf(path, sizeof(path), "%s/" REGISTER_FILE_NAME, directory);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	static const char *const names[] = {REGISTER_FILE_NAME, REGISTER_FILE_NAME ".new",
					    REGISTER_LOCK_NAME, REGISTER_DAMAGED_NAME};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char name[96];
		(void)snprintf(name, sizeof(name), "%s/%s", directory, names[i]);
		(void)unlink(name);
	}
	return rmdir(directory);
}

/* Two roles, one with a value of 3,000 bytes. */
static void
fill(void)
{
	uint8_t bytes[3000];
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i % 253);
	image.begun = true;
	image.floor = 7;
	image.uses = 2;
	struct register_entry *e = register_image_add(&image, ROLE_CLUSTER);
	e->document = document_create(bytes, sizeof(bytes));
	e->head.term = 9;
	e->head.claimant = (struct claimant){3, 1002};
	e->head.stamp = (struct stamp){9, 4};
	e->head.bytes = sizeof(bytes);
	memcpy(e->head.digest, e->document->digest, sizeof(e->head.digest));
	e->used = 2;
	e = register_image_add(&image, "batch");
	e->head.term = 8;
	e->used = 1;
}

static void
store(void)
{
	assert_int_equal(open_as("shop", "a"), RESULT_OK);
	assert_false(has_image);
	fill();
	assert_int_equal(register_file_store(&file, &image, &problem), RESULT_OK);
	close_all();
}

static void
what_is_stored_is_read(void **state)
{
	(void)state;
	store();
	assert_int_equal(open_as("shop", "a"), RESULT_OK);
	assert_true(has_image);
	assert_true(image.begun);
	assert_int_equal(image.count, 2);
	assert_int_equal(image.floor, 7);
	const struct register_entry *e = register_image_find(&image, ROLE_CLUSTER);
	assert_non_null(e);
	assert_int_equal(e->head.term, 9);
	assert_int_equal(e->head.stamp.seq, 4);
	assert_int_equal(e->head.claimant.boot, 1002);
	assert_int_equal(e->document->bytes, 3000);
	assert_int_equal(e->document->at[2999], 2999 % 253);
	assert_int_equal(register_image_find(&image, "batch")->head.term, 8);
	close_all();
}

/* The first boot is the floor; each later one is one more, or the floor when that is higher. */
static void
boots_are_counted(void **state)
{
	(void)state;
	for (uint64_t boot = FLOOR; boot < FLOOR + 3; boot++) {
		assert_int_equal(open_as("shop", "a"), RESULT_OK);
		assert_int_equal(file.boot, boot);
		close_all();
	}
	assert_int_equal(unlink(path), 0);
	assert_int_equal(register_file_open(&file, directory, "shop", "a", FLOOR + 50, &image,
					    &has_image, &problem),
			 RESULT_OK);
	assert_int_equal(file.boot, FLOOR + 50);
	close_all();
}

static void
flip(size_t at)
{
	int fd = open(path, O_RDWR);
	uint8_t byte;
	assert_int_equal(pread(fd, &byte, 1, (off_t)at), 1);
	byte ^= 0x10;
	assert_int_equal(pwrite(fd, &byte, 1, (off_t)at), 1);
	(void)close(fd);
}

static void
assert_refused(const char *why)
{
	struct stat before;
	struct stat after;
	assert_int_equal(stat(path, &before), 0);
	assert_int_equal(open_as("shop", "a"), RESULT_INVALID);
	assert_non_null(strstr(problem.text, why));
	assert_non_null(strstr(problem.text, path));
	assert_false(has_image);
	assert_false(file.writable);
	assert_int_equal(image.count, 0);
	assert_int_equal(file.boot, FLOOR);
	close_all();
	assert_int_equal(stat(path, &after), 0);
	assert_int_equal(before.st_ino, after.st_ino); /* left as it is */
	assert_int_equal(before.st_size, after.st_size);
}

/* Any one flipped bit is found. */
static void
a_damaged_file_is_refused(void **state)
{
	(void)state;
	store();
	struct stat s;
	assert_int_equal(stat(path, &s), 0);
	for (size_t at = 0; at < (size_t)s.st_size; at += 41) {
		flip(at);
		assert_refused("damaged");
		flip(at);
	}
	assert_int_equal(open_as("shop", "a"), RESULT_OK);
	close_all();
}

/* Once it is certain that nothing can be made of it: kept aside, and a new one has its place. */
static void
a_damaged_file_is_set_aside(void **state)
{
	(void)state;
	store();
	flip(30);
	struct stat before;
	assert_int_equal(stat(path, &before), 0);
	assert_int_equal(open_as("shop", "a"), RESULT_INVALID);
	assert_false(file.foreign);
	assert_int_equal(register_file_set_aside(&file, &problem), RESULT_OK);
	fill();
	assert_int_equal(register_file_store(&file, &image, &problem), RESULT_OK);
	assert_int_equal(register_file_set_aside(&file, &problem), RESULT_OK); /* it is whole */
	close_all();
	struct stat after;
	char damaged[128];
	(void)snprintf(damaged, sizeof(damaged), "%s/" REGISTER_DAMAGED_NAME, directory);
	assert_int_equal(stat(damaged, &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	assert_int_equal(open_as("shop", "a"), RESULT_OK);
	assert_true(has_image);
	close_all();
}

/* It is somebody's. */
static void
anothers_file_is_not_set_aside(void **state)
{
	(void)state;
	store();
	assert_int_equal(open_as("shop", "b"), RESULT_INVALID);
	assert_true(file.foreign);
	assert_int_equal(register_file_set_aside(&file, &problem), RESULT_INVALID);
	assert_non_null(strstr(problem.text, "another node"));
	assert_false(file.writable);
	close_all();
	assert_int_equal(open_as("shop", "a"), RESULT_OK);
	close_all();
}

/* As a full disk or a torn write leaves it. */
static void
a_cut_file_is_refused(void **state)
{
	(void)state;
	store();
	struct stat s;
	assert_int_equal(stat(path, &s), 0);
	for (off_t bytes = s.st_size - 1; bytes >= 0;
	     bytes = bytes > 100 ? bytes - 97 : bytes - 9) {
		assert_int_equal(truncate(path, bytes), 0);
		assert_refused("damaged");
	}
}

static void
anothers_file_is_refused(void **state)
{
	(void)state;
	store();
	assert_int_equal(open_as("shop", "b"), RESULT_INVALID);
	assert_non_null(strstr(problem.text, "node a of cluster shop"));
	close_all();
	assert_int_equal(open_as("other", "a"), RESULT_INVALID);
	close_all();
}

/* Two processes with one voter's id would vote twice. */
static void
a_directory_has_one_process(void **state)
{
	(void)state;
	assert_int_equal(open_as("shop", "a"), RESULT_OK);
	struct register_file second;
	struct register_image none;
	bool has;
	assert_int_equal(
	    register_file_open(&second, directory, "shop", "a", FLOOR, &none, &has, &problem),
	    RESULT_LIMIT);
	assert_non_null(strstr(problem.text, "another process"));
	close_all();
	assert_int_equal(open_as("shop", "a"), RESULT_OK);
	close_all();
}

/* What a crash left half written beside the file does not matter. */
static void
a_half_written_new_file_is_nothing(void **state)
{
	(void)state;
	store();
	char name[96];
	(void)snprintf(name, sizeof(name), "%s/" REGISTER_FILE_NAME ".new", directory);
	FILE *half = fopen(name, "w");
	assert_non_null(half);
	(void)fputs("HOLDFAST REG", half);
	(void)fclose(half);
	assert_int_equal(open_as("shop", "a"), RESULT_OK);
	assert_true(has_image);
	assert_int_equal(image.count, 2);
	close_all();
}

static long
bytes_of(const char *name)
{
	struct stat s;
	return stat(name, &s) == 0 ? (long)s.st_size : -1;
}

/* Files of this process may grow to `bytes`, and no further: as on a full disk. */
static void
files_may_have(rlim_t bytes)
{
	struct rlimit limit;
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* What was there is untouched, nothing takes room, and the next try is another file. */
static void
no_room_is_told_apart(void **state)
{
	(void)state;
	struct stat before;
	struct stat after;
	char new_name[112];
	(void)snprintf(new_name, sizeof(new_name), "%s.new", path);
	store();
	assert_int_equal(open_as("shop", "a"), RESULT_OK);
	assert_int_equal(stat(path, &before), 0);
	register_image_find(&image, "batch")->head.term = 12;
	const rlim_t rooms[] = {0, 1, 1000};
	for (size_t i = 0; i < sizeof(rooms) / sizeof(rooms[0]); i++) {
		files_may_have(rooms[i]);
		enum result r = register_file_store(&file, &image, &problem);
		files_may_have(RLIM_INFINITY);
		assert_int_equal(r, RESULT_LIMIT);
		assert_int_equal(bytes_of(new_name), -1);
	}
	assert_int_equal(stat(path, &after), 0);
	assert_int_equal(after.st_ino, before.st_ino);
	assert_int_equal(after.st_size, before.st_size);
	assert_int_equal(register_file_store(&file, &image, &problem), RESULT_OK);
	close_all();
	assert_int_equal(open_as("shop", "a"), RESULT_OK);
	assert_int_equal(register_image_find(&image, "batch")->head.term, 12);
	close_all();
}

/* The start wants to write down its boot: that there is no room is no other process. */
static void
a_start_without_room_fails(void **state)
{
	(void)state;
	store();
	files_may_have(1);
	enum result r = open_as("shop", "a");
	files_may_have(RLIM_INFINITY);
	assert_int_equal(r, RESULT_IO);
	assert_int_equal(open_as("shop", "a"), RESULT_OK);
	assert_int_equal(image.count, 2);
	close_all();
}

/* What an earlier attempt left, and another name of it, are never written into again. */
static void
each_try_is_a_new_file(void **state)
{
	(void)state;
	char left[112];
	char other[112];
	(void)snprintf(left, sizeof(left), "%s.new", path);
	(void)snprintf(other, sizeof(other), "%s/" REGISTER_DAMAGED_NAME, directory);
	store();
	FILE *half = fopen(left, "w");
	assert_non_null(half);
	(void)fputs("half", half);
	(void)fclose(half);
	assert_int_equal(link(left, other), 0);
	assert_int_equal(open_as("shop", "a"), RESULT_OK);
	close_all();
	assert_int_equal(bytes_of(other), 4);
	assert_int_equal(bytes_of(left), -1);
}

static void
no_directory_is_told(void **state)
{
	(void)state;
	assert_int_equal(register_file_open(&file, "/nonexistent/holdfast", "shop", "a", FLOOR,
					    &image, &has_image, &problem),
			 RESULT_IO);
	assert_non_null(strstr(problem.text, "/nonexistent/holdfast"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(what_is_stored_is_read, setup, teardown),
	    cmocka_unit_test_setup_teardown(boots_are_counted, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_damaged_file_is_refused, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_damaged_file_is_set_aside, setup, teardown),
	    cmocka_unit_test_setup_teardown(anothers_file_is_not_set_aside, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_cut_file_is_refused, setup, teardown),
	    cmocka_unit_test_setup_teardown(anothers_file_is_refused, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_directory_has_one_process, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_half_written_new_file_is_nothing, setup, teardown),
	    cmocka_unit_test_setup_teardown(no_room_is_told_apart, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_start_without_room_fails, setup, teardown),
	    cmocka_unit_test_setup_teardown(each_try_is_a_new_file, setup, teardown),
	    cmocka_unit_test_setup_teardown(no_directory_is_told, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
