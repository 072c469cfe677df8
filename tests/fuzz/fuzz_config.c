/*
 * fuzz_config.c: a configuration file of any bytes. What must hold: it is refused with
 * words that a terminal can show, or what comes out of it keeps every bound that the
 * proxy builds on, and its session rules compile.
 */
#include "affinity/head_text.h"
#include "affinity/session.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define CHECK(condition)                                                   \
	do {                                                               \
		if (!(condition)) {                                        \
			(void)fprintf(stderr, "broken: %s\n", #condition); \
			abort();                                           \
		}                                                          \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);
/*
 * libconfig 1.5 forgets the text that a syntax error interrupts; ours is looked at all the same.
 * NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp)
 */
const char *__lsan_default_suppressions(void);

const char *
__lsan_default_suppressions(void)
{
	return "leak:libconfig.so";
}
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

static void
check_shown(const char *text)
{
	for (; *text != '\0'; text++)
		CHECK(*text >= 0x20 && *text < 0x7f);
}

static void
check_findings(const struct config_findings *findings)
{
	size_t errors = 0;
	CHECK(findings->count <= CONFIG_FINDINGS_MAX);
	for (size_t i = 0; i < findings->count; i++) {
		const struct config_finding *f = &findings->list[i];
		CHECK(f->reason[0] != '\0');
		check_shown(f->reason);
		check_shown(f->path);
		check_shown(f->value);
		CHECK(i == 0 || f->line >= findings->list[i - 1].line);
		errors += !f->warning;
	}
	CHECK(errors <= findings->errors && findings->errors <= errors + findings->not_shown);
}

static void
check_service(const struct config *config, const struct config_service *s)
{
	CHECK(s->name != NULL && strlen(s->name) <= ID_BYTES_MAX);
	CHECK(s->member_count >= 1 && s->member_count <= MEMBERS_MAX);
	CHECK(s->host_count <= HOSTS_MAX && s->path_count <= PATHS_MAX);
	CHECK(s->attempts_max >= 1 && s->attempts_max <= PLAN_STEPS_MAX);
	CHECK(s->strict == 0 || (s->strict >= 400 && s->strict <= 599));
	CHECK(s->health.expect_low <= s->health.expect_high);
	CHECK(s->health.interval_ms > 0 && s->health.fall > 0 && s->health.rise > 0);
	for (size_t i = 0; i < s->host_count; i++)
		CHECK(s->hosts[i][0] != '\0');
	for (size_t i = 0; i < s->path_count; i++)
		CHECK(s->paths[i][0] == '/');
	for (size_t i = 0; i < s->member_count; i++) {
		CHECK(s->members[i].id != NULL && s->members[i].origin.family != 0);
		CHECK(s->members[i].weight <= MEMBER_WEIGHT_MAX);
	}
	struct session_rules *rules = NULL;
	CHECK(session_rules_create(s, config->secrets, config->secret_count, &rules, NULL) ==
	      RESULT_OK);
	session_rules_free(&rules);
}

static void
check_config(const struct config *config)
{
	CHECK(config->listener_count >= 1 && config->listener_count <= LISTENERS_MAX);
	CHECK(config->secret_count >= 1 && config->secret_count <= SECRETS_MAX);
	CHECK(config->service_count >= 1 && config->service_count <= SERVICES_MAX);
	CHECK(config->workers <= WORKERS_MAX && config->state_dir != NULL);
	for (size_t i = 0; i < config->listener_count; i++)
		CHECK(config->listeners[i].address.family != 0);
	for (size_t i = 0; i < config->service_count; i++)
		check_service(config, &config->services[i]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	char file[32];
	int fd = memfd_create("config", MFD_CLOEXEC);
	CHECK(fd != -1 && write(fd, data, bytes) == (ssize_t)bytes);
	(void)snprintf(file, sizeof(file), "/proc/self/fd/%d", fd);
	struct config *config = NULL;
	struct config_findings findings;
	enum result r = config_load(file, CONFIG_FOR_CHECK, &config, &findings);
	(void)close(fd);
	CHECK(r == RESULT_OK || r == RESULT_INVALID);
	CHECK((r == RESULT_OK) == (findings.errors == 0) && (r == RESULT_OK) == (config != NULL));
	check_findings(&findings);
	if (config != NULL)
		check_config(config);
	config_findings_free(&findings);
	config_free(&config);
	return 0;
}
