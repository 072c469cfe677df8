/* filter.c: see filter.h. */
#include "base/filter.h"

#include "base/text.h"

#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum where { CONTROL, EVERYWHERE };

static const struct {
	const char *name;
	enum where where;
} allowed[] = {
#define SYSCALL(name, where) {#name, where},
#include "tbl/syscalls.h"
};

static const char *const fatal[] = {
#define SYSCALL_FATAL(name) #name,
#include "tbl/syscalls.h"
};

#define ALLOWED (sizeof(allowed) / sizeof(allowed[0]))
#define FATAL   (sizeof(fatal) / sizeof(fatal[0]))

static const char *state = "off";
static bool entered;
static int fatal_number[FATAL]; /* as this machine has them: for the handler */

/* ---- the end ----------------------------------------------------------------------------------
 */

static const char *
name_of(int number)
{
	for (size_t i = 0; i < FATAL; i++) {
		if (fatal_number[i] == number)
			return fatal[i];
	}
	return "clone";
}

/* In the thread that asked, instead of the call. Nothing here but what a handler may do. */
static void
on_forbidden(int number, siginfo_t *info, void *context)
{
	char text[160];
	struct writer w = writer_on(text, sizeof(text));
	(void)context;
	write_text(&w, "error: the system call ");
	write_text(&w, name_of(info->si_syscall));
	write_text(&w, " is forbidden to a node that has started: something is badly wrong, this "
		       "process ends\n");
	(void)!write(STDERR_FILENO, w.at, w.bytes);
	(void)signal(number, SIG_DFL);
	(void)raise(number);
}

static bool
watch(void)
{
	struct sigaction how = {.sa_sigaction = on_forbidden, .sa_flags = SA_SIGINFO | SA_NODEFER};
	(void)sigemptyset(&how.sa_mask);
	return sigaction(SIGSYS, &how, NULL) == 0;
}

/* ---- the lists --------------------------------------------------------------------------------
 */

static bool
add(scmp_filter_ctx filter, uint32_t action, const char *name)
{
	int number = seccomp_syscall_resolve_name(name);
	if (number == __NR_SCMP_ERROR || number < 0)
		return true; /* not of this machine */
	return seccomp_rule_add(filter, action, number, 0) == 0;
}

/* Threads, and nothing else that clone makes. */
static bool
add_clone(scmp_filter_ctx filter)
{
	const struct scmp_arg_cmp thread = SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD);
	const struct scmp_arg_cmp process = SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0);
	/* Of clone3 a filter cannot see the flags: the C library then takes clone. */
	return seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1, thread) == 0 &&
	       seccomp_rule_add(filter, SCMP_ACT_TRAP, SCMP_SYS(clone), 1, process) == 0 &&
	       seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0) == 0;
}

static bool
add_all(scmp_filter_ctx filter)
{
	bool ok = add_clone(filter);
	for (size_t i = 0; i < ALLOWED; i++)
		ok = ok && add(filter, SCMP_ACT_ALLOW, allowed[i].name);
	for (size_t i = 0; i < FATAL; i++) {
		fatal_number[i] = seccomp_syscall_resolve_name(fatal[i]);
		ok = ok && add(filter, SCMP_ACT_TRAP, fatal[i]);
	}
	return ok;
}

/* Beside the first one: the stricter of the two counts. */
static bool
add_workers(scmp_filter_ctx filter)
{
	bool ok = true;
	for (size_t i = 0; i < ALLOWED; i++)
		ok = ok && (allowed[i].where == EVERYWHERE ||
			    add(filter, SCMP_ACT_ERRNO(EPERM), allowed[i].name));
	return ok;
}

/* ---- the face ---------------------------------------------------------------------------------
 */

/* NULL: nothing stands in the way. */
static const char *
obstacle(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	return "off: built with a sanitizer";
#else
	const char *before = getenv("LD_PRELOAD");
	return before != NULL && strstr(before, "vgpreload") != NULL ? "off: under valgrind" : NULL;
#endif
}

/* Of all threads; or, where seccomp(2) itself is filtered already, of this one: there is no other
 * yet. */
static int
load(scmp_filter_ctx filter)
{
	/* Found by halving, not one after another: each call is looked up. */
	(void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	int error = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
	if (error == 0)
		error = seccomp_load(filter);
	if (error == 0 || seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 0) != 0)
		return error;
	return seccomp_load(filter);
}

enum result
filter_enter(struct problem *p)
{
	const char *why = obstacle();
	if (why != NULL) {
		state = why;
		return RESULT_OK;
	}
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int error = filter == NULL ? -ENOMEM : 0;
	if (error == 0 && (!watch() || !add_all(filter)))
		error = -ENOMEM;
	if (error == 0)
		error = load(filter);
	if (filter != NULL)
		seccomp_release(filter);
	if (error != 0) {
		state = "off: the kernel does not take the filter";
		return problem_set(p, RESULT_LIMIT, "%s", strerror(-error));
	}
	entered = true;
	state = "on";
	return RESULT_OK;
}

bool
filter_enter_worker(void)
{
	if (!entered)
		return true;
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	bool ok = filter != NULL && add_workers(filter) &&
		  seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2) == 0 &&
		  seccomp_load(filter) == 0;
	if (filter != NULL)
		seccomp_release(filter);
	return ok;
}

const char *
filter_state(void)
{
	return state;
}
