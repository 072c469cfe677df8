/*
 * doctor.c: `holdfast doctor`: would a node with this configuration be well on this machine?
 * Configuration, limits, clock, ports, directory, and whether members and nodes can be reached.
 * Dates of certificates, logs and clocks of nodes: doctor_certificates.c, doctor_logs.c,
 * doctor_clocks.c.
 */
#include "cli/cli.h"

#include "base/handed.h"
#include "base/room.h"
#include "cli/config_question.h"
#include "cli/doctor.h"
#include "cli/doctor_reach.h"
#include "cli/doctor_speech_ev.h"
#include "config/config.h"
#include "edge/listener.h"
#include "record/exporter.h"

#include <errno.h>
#include <jansson.h>
#include <linux/seccomp.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <unistd.h>

#define DESCRIPTORS_FEW 4096
#define MEMORY_FEW      (UINT64_C(128) << 20)
#define TEXT_BYTES      1024

static const char *const grades[GRADES] = {"ok", "warning", "bad"};

void
doctor_say(struct doctor *d, enum grade grade, const char *what, const char *format, ...)
{
	char text[TEXT_BYTES];
	char shown[TEXT_BYTES];
	struct writer w = writer_on(shown, sizeof(shown) - 1);
	va_list args;
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text) / 4, format, args);
	va_end(args);
	write_escaped(&w, slice_of(text));
	shown[w.bytes] = '\0';
	d->count[grade]++;
	if (d->list == NULL)
		(void)printf("%-8s %-14s %s\n", grades[grade], what, shown);
	else
		(void)json_array_append_new(d->list,
					    json_pack("{s:s, s:s, s:s}", "grade", grades[grade],
						      "what", what, "text", shown));
}

/* ---- the configuration -----------------------------------------------------------------------
 */

static void
examine_configuration(struct doctor *d, const struct config_findings *findings)
{
	for (size_t i = 0; i < findings->count; i++) {
		const struct config_finding *f = &findings->list[i];
		char text[CONFIG_FINDING_BYTES_MAX];
		config_finding_text(f, text, sizeof(text));
		doctor_say(d, f->warning ? GRADE_WARNING : GRADE_BAD, "configuration", "%s", text);
	}
	if (findings->not_shown > 0)
		doctor_say(d, d->config == NULL ? GRADE_BAD : GRADE_WARNING, "configuration",
			   "%zu findings more: %d are shown", findings->not_shown,
			   CONFIG_FINDINGS_MAX);
	if (findings->count == 0)
		doctor_say(d, GRADE_OK, "configuration", "%s", d->file);
}

/* ---- the machine -----------------------------------------------------------------------------
 */

static void
examine_descriptors(struct doctor *d, const struct room *room)
{
	unsigned long long most = room->descriptors;
	unsigned long long wanted = 2ULL * d->config->limits.connections_max;
	if (wanted > most)
		doctor_say(d, GRADE_BAD, "descriptors",
			   "%llu may be open, limits.connections_max = %llu wants %llu", most,
			   wanted / 2, wanted);
	else if (most < DESCRIPTORS_FEW)
		doctor_say(d, GRADE_WARNING, "descriptors",
			   "%llu may be open: a client with a request under way needs two", most);
	else
		doctor_say(d, GRADE_OK, "descriptors", "%llu may be open", most);
}

/* Against what is configured: a finding of the configuration. */
static void
examine_memory(struct doctor *d, const struct room *room)
{
	enum grade grade = room->memory_bytes < MEMORY_FEW ? GRADE_WARNING : GRADE_OK;
	doctor_say(d, grade, "memory", "%llu MiB may be had (%s)",
		   (unsigned long long)(room->memory_bytes >> 20), room->memory_by);
}

static void
examine_filter(struct doctor *d)
{
	uint32_t action = SECCOMP_RET_TRAP;
	bool can = syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
	if (!d->config->seccomp)
		doctor_say(d, GRADE_WARNING, "seccomp",
			   "system calls are not filtered: seccomp = false");
	else if (!can)
		doctor_say(d, GRADE_WARNING, "seccomp",
			   "this kernel does not filter system calls: %s", strerror(errno));
	else
		doctor_say(d, GRADE_OK, "seccomp", "system calls are filtered");
}

static void
examine_rights(struct doctor *d)
{
	const char *user = d->config->user;
	if (user != NULL && getpwnam(user) == NULL)
		doctor_say(d, GRADE_BAD, "rights", "user %s: no such user", user);
	else if (geteuid() == 0 && user == NULL)
		doctor_say(d, GRADE_WARNING, "rights", "root, and stays it: name a user to become");
	else
		doctor_say(d, GRADE_OK, "rights", "%s", user != NULL ? user : "not root's");
}

static void
examine_backlog(struct doctor *d)
{
	long most = 0;
	FILE *f = fopen("/proc/sys/net/core/somaxconn", "re");
	char text[32] = "";
	if (f != NULL && fgets(text, sizeof(text), f) != NULL)
		most = strtol(text, NULL, 10);
	if (f != NULL)
		(void)fclose(f);
	if (most > 0 && most < LISTEN_BACKLOG)
		doctor_say(
		    d, GRADE_WARNING, "backlog",
		    "net.core.somaxconn is %ld: of a rush of clients no more wait; %d are asked "
		    "for",
		    most, LISTEN_BACKLOG);
	else
		doctor_say(d, GRADE_OK, "backlog", "%d connections may wait to be accepted",
			   LISTEN_BACKLOG);
}

static void
examine_clock(struct doctor *d)
{
	struct timex t = {0};
	int state = adjtimex(&t);
	if (state == TIME_ERROR || (t.status & STA_UNSYNC) != 0)
		doctor_say(d, GRADE_WARNING, "clock",
			   "not synchronised, says the kernel: nodes may differ by 30 s at most");
	else
		doctor_say(d, GRADE_OK, "clock", "synchronised, to within %ld ms",
			   t.maxerror / 1000);
}

static void
examine_directory(struct doctor *d)
{
	const char *path = d->config->state_dir;
	if (access(path, R_OK | W_OK | X_OK) == 0)
		doctor_say(d, GRADE_OK, "state_dir", "%s", path);
	else
		doctor_say(d, d->config->user != NULL ? GRADE_WARNING : GRADE_BAD, "state_dir",
			   "%s: %s", path, strerror(errno));
}

/* ---- ports ------------------------------------------------------------------------------------
 */

/* A socket there of our own alone: who runs keeps us out, whoever it is. */
static int
try_bind(const struct addr *a, int kind)
{
	struct sockaddr_storage name;
	int on = 1;
	socklen_t bytes = addr_to_sockaddr(a, &name);
	int fd = socket(name.ss_family, kind | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return errno;
	/* Of datagrams it would let two have the same. */
	if (kind == SOCK_STREAM)
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	int error = 0;
	if (bind(fd, (const struct sockaddr *)&name, bytes) == -1 ||
	    (kind == SOCK_STREAM && listen(fd, 1) == -1))
		error = errno;
	(void)close(fd);
	return error;
}

static void
examine_port(struct doctor *d, const char *what, const struct addr *a, int kind)
{
	char text[ADDR_TEXT_BYTES_MAX];
	struct writer w = writer_on(text, sizeof(text));
	write_addr(&w, a);
	if (!addr_is_ip(a)) {
		doctor_say(d, GRADE_OK, what, "%s: not tried", writer_text(&w));
		return;
	}
	int error = try_bind(a, kind);
	if (error == 0)
		doctor_say(d, GRADE_OK, what, "%s: free", writer_text(&w));
	else if (error == EADDRINUSE)
		doctor_say(d, GRADE_WARNING, what,
			   "%s: in use, by a node that runs already or by another program",
			   writer_text(&w));
	else
		doctor_say(d, GRADE_BAD, what, "%s: %s", writer_text(&w), strerror(error));
}

static void
examine_ports(struct doctor *d)
{
	for (size_t i = 0; i < d->config->listener_count; i++)
		examine_port(d, "listener", &d->config->listeners[i].address, SOCK_STREAM);
	if (d->config->admin.family != 0)
		examine_port(d, "admin", &d->config->admin, SOCK_STREAM);
	if (d->config->cluster.listen.family != 0)
		examine_port(d, "datagrams", &d->config->cluster.listen, SOCK_DGRAM);
	if (d->config->cluster.dns_listen.family != 0)
		examine_port(d, "dns", &d->config->cluster.dns_listen, SOCK_DGRAM);
}

/* ---- who is asked ----------------------------------------------------------------------------
 */

static void
say_reached(struct doctor *d, const char *what, const char *whose, const char *id,
	    const struct reach *r)
{
	char text[ADDR_TEXT_BYTES_MAX];
	struct writer w = writer_on(text, sizeof(text));
	write_addr(&w, r->to);
	if (r->error == 0)
		doctor_say(d, GRADE_OK, what, "%s of %s: %s answers", id, whose, writer_text(&w));
	else if (r->error == ENXIO)
		doctor_say(d, GRADE_BAD, what, "%s of %s: %s: the name has no address", id, whose,
			   writer_text(&w));
	else
		doctor_say(d, GRADE_BAD, what, "%s of %s: %s: %s", id, whose, writer_text(&w),
			   strerror(r->error));
}

/* Can be connected to: does it answer as it should? Where another node is asked, that one's doctor
 * tells. */
static size_t
list_spoken_to(const struct config_service *s, const struct reach *reached, struct speech *list)
{
	size_t count = 0;
	for (size_t i = 0; i < s->member_count; i++) {
		if (reached[i].error == 0 && s->members[i].hop == 0)
			list[count++] =
			    (struct speech){.member = &s->members[i], .at = reached[i].at};
	}
	return count;
}

static void
say_members(struct doctor *d, const struct config_service *s, const struct reach *reached,
	    const struct speech *spoken)
{
	for (size_t i = 0; i < s->member_count; i++) {
		const struct config_member *m = &s->members[i];
		bool asked = reached[i].error == 0 && m->hop == 0;
		if (asked && spoken->wrong[0] != '\0')
			doctor_say(d, GRADE_WARNING, "member", "%s of %s: %s", m->id, s->name,
				   spoken->wrong);
		else
			say_reached(d, "member", s->name, m->id, &reached[i]);
		spoken += asked;
	}
}

static void
examine_members(struct doctor *d, const struct config_service *s)
{
	if (s->discover.at.family != 0) {
		doctor_say(d, GRADE_OK, "member", "of %s: discovered, not tried", s->name);
		return;
	}
	struct reach *list = calloc(s->member_count, sizeof(*list));
	struct speech *spoken = calloc(s->member_count, sizeof(*spoken));
	if (list != NULL && spoken != NULL) {
		for (size_t i = 0; i < s->member_count; i++)
			list[i] = (struct reach){.to = &s->members[i].origin,
						 .limit_ms = (uint32_t)s->timeouts.connect_ms};
		reach_all(list, s->member_count);
		speech_all(s, spoken, list_spoken_to(s, list, spoken));
		say_members(d, s, list, spoken);
	} else {
		doctor_say(d, GRADE_BAD, "member", "no memory");
	}
	free(spoken);
	free(list);
}

#define NODE_LIMIT_MS 1000

static void
examine_nodes(struct doctor *d)
{
	const struct config_cluster *c = &d->config->cluster;
	struct reach list[NODES_MAX];
	for (size_t i = 0; i < c->node_count; i++)
		list[i] = (struct reach){.to = &c->nodes[i].http, .limit_ms = NODE_LIMIT_MS};
	reach_all(list, c->node_count);
	for (size_t i = 0; i < c->node_count; i++)
		say_reached(d, "node", c->name != NULL ? c->name : "the cluster", c->nodes[i].id,
			    &list[i]);
}

#define COLLECTOR_LIMIT_MS 1000

static void
examine_collector(struct doctor *d)
{
	const char *endpoint = d->config->trace.endpoint;
	if (endpoint == NULL)
		return;
	unsigned status = exporter_try(endpoint, COLLECTOR_LIMIT_MS);
	if (status >= 200 && status <= 299)
		doctor_say(d, GRADE_OK, "trace", "%s takes spans", endpoint);
	else if (status != 0)
		doctor_say(d, GRADE_WARNING, "trace", "%s answers %u: spans would be lost",
			   endpoint, status);
	else
		doctor_say(d, GRADE_WARNING, "trace", "%s: %s: spans would be lost", endpoint,
			   strerror(errno));
}

/* ---- the command ------------------------------------------------------------------------------
 */

static void
examine(struct doctor *d)
{
	struct config *config = NULL;
	struct config_findings findings;
	struct room room;
	handed_take();
	(void)config_load(d->file, CONFIG_FOR_CHECK, &config, &findings);
	d->config = config;
	examine_configuration(d, &findings);
	config_findings_free(&findings);
	if (config != NULL) {
		doctor_certificates(d);
		examine_rights(d);
		examine_filter(d);
		room_read(&room);
		examine_descriptors(d, &room);
		examine_memory(d, &room);
		examine_backlog(d);
		examine_clock(d);
		examine_directory(d);
		doctor_logs(d);
		examine_ports(d);
		for (size_t i = 0; i < config->service_count; i++)
			examine_members(d, &config->services[i]);
		examine_nodes(d);
		doctor_clocks(d);
		examine_collector(d);
	}
	d->config = NULL;
	config_free(&config);
}

static bool
print_json(const struct doctor *d)
{
	json_t *root = json_pack("{s:b, s:I, s:I, s:I, s:O}", "ok", d->count[GRADE_BAD] == 0,
				 "good", (json_int_t)d->count[GRADE_OK], "warnings",
				 (json_int_t)d->count[GRADE_WARNING], "bad",
				 (json_int_t)d->count[GRADE_BAD], "found", d->list);
	bool written =
	    root != NULL && json_dumpf(root, stdout, JSON_INDENT(2)) == 0 && putchar('\n') != EOF;
	json_decref(root);
	return written;
}

int
cli_doctor(int argc, char **argv)
{
	struct config_question q;
	int status = config_question_parse(&q, SUBCOMMAND_doctor, argc, argv);
	if (status != CLI_GO_ON)
		return status;
	struct doctor d = {.file = q.config, .list = q.json ? json_array() : NULL};
	if (q.json && d.list == NULL)
		return cli_refuse(SUBCOMMAND_doctor, EXIT_USAGE, "no memory");
	examine(&d);
	bool written = !q.json || print_json(&d);
	json_decref(d.list);
	if (!q.json)
		(void)printf("%zu ok, %zu warnings, %zu bad\n", d.count[GRADE_OK],
			     d.count[GRADE_WARNING], d.count[GRADE_BAD]);
	if (!written)
		return cli_refuse(SUBCOMMAND_doctor, EXIT_USAGE, "the answer cannot be written");
	return d.count[GRADE_BAD] == 0 ? EXIT_SUCCESS : EXIT_NEGATIVE;
}
