/* rights.c: see rights.h. */
#include "node/rights.h"

#include "base/filter.h"
#include "base/log.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BIT(capability) (UINT64_C(1) << (capability))
/* Of root that stays root: files that are not its own, UNIX sockets' owners, low ports. */
#define KEPT_BY_ROOT                                                                    \
	(BIT(CAP_NET_BIND_SERVICE) | BIT(CAP_DAC_OVERRIDE) | BIT(CAP_DAC_READ_SEARCH) | \
	 BIT(CAP_CHOWN) | BIT(CAP_FOWNER) | BIT(CAP_KILL))

/* ---- capabilities -----------------------------------------------------------------------------
 */

/* Effective, permitted and inheritable: what is in `kept`, of what there is. */
static bool
keep(uint64_t kept, bool inheritable)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct half[2];
	bool excess = false;
	if (syscall(SYS_capget, &head, half) == -1)
		return false;
	for (int i = 0; i < 2; i++) {
		uint32_t mask = (uint32_t)(kept >> (32 * i));
		uint32_t most = half[i].permitted | half[i].effective | half[i].inheritable;
		excess =
		    excess || (most & ~mask) != 0 || (!inheritable && half[i].inheritable != 0);
		half[i].permitted &= mask;
		half[i].effective &= mask;
		half[i].inheritable &= inheritable ? mask : 0;
	}
	/* Who has no more is not asked: a service manager may have taken that call away. */
	return !excess || syscall(SYS_capset, &head, half) == 0;
}

/* What no program that is started can ever have; needs CAP_SETPCAP. */
static bool
bound(uint64_t kept)
{
	bool ok = true;
	for (int i = 0; prctl(PR_CAPBSET_READ, i, 0, 0, 0) >= 0; i++) {
		if ((kept & BIT(i)) == 0 && prctl(PR_CAPBSET_READ, i, 0, 0, 0) == 1)
			ok = prctl(PR_CAPBSET_DROP, i, 0, 0, 0) == 0 && ok;
	}
	return ok;
}

static void
lower_ambient(uint64_t kept)
{
	for (int i = 0; prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, i, 0, 0) >= 0; i++) {
		if ((kept & BIT(i)) == 0)
			(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_LOWER, i, 0, 0);
	}
}

/* ---- user -------------------------------------------------------------------------------------
 */

static enum result
become(const char *user, const struct passwd *who, struct problem *p)
{
	lower_ambient(0);
	if (!bound(0) || initgroups(user, who->pw_gid) == -1 || setgid(who->pw_gid) == -1 ||
	    setuid(who->pw_uid) == -1 || !keep(0, false))
		return problem_set(p, RESULT_IO, "user %s: %s", user, strerror(errno));
	if (who->pw_uid != 0 && setuid(0) == 0)
		return problem_set(p, RESULT_IO, "user %s: the rights of root can be had again",
				   user);
	return RESULT_OK;
}

enum result
rights_drop(const char *user, struct problem *p)
{
	const uint64_t ports = BIT(CAP_NET_BIND_SERVICE);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		return problem_set(p, RESULT_IO, "no_new_privs: %s", strerror(errno));
	errno = 0;
	const struct passwd *who = user == NULL ? NULL : getpwnam(user);
	if (user != NULL && who == NULL)
		return problem_set(p, RESULT_INVALID, "user %s: no such user", user);
	if (who != NULL && geteuid() != who->pw_uid)
		return become(user, who, p);
	if (geteuid() == 0)
		return RESULT_OK;
	lower_ambient(ports);
	if (!keep(ports, true))
		return problem_set(p, RESULT_IO, "capabilities: %s", strerror(errno));
	return RESULT_OK;
}

void
rights_narrow(const struct config *config)
{
	struct problem p = {""};
	if (geteuid() == 0 && !keep(KEPT_BY_ROOT, false))
		log_warn("capabilities cannot be dropped: %s", strerror(errno));
	if (config->seccomp && filter_enter(&p) != RESULT_OK)
		log_warn("system calls are not filtered (seccomp): %s", p.text);
}

void
rights_raise_descriptors(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
}
