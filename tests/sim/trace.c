/* trace.c: what the simulator says: failures, measures and the trace; see sim.h. */
#include "inside.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *
sim_name(const struct sim *s, cluster_node n)
{
	return n < s->count ? s->node[n].nodes.node[n].id : "nobody";
}

void
sim_trace_start(struct sim *s, size_t lines)
{
	s->trace_room = lines;
	if (lines > 0)
		s->trace = calloc(lines, sizeof(s->trace[0]));
	if (lines > 0 && s->trace == NULL)
		abort();
}

void
sim_trace_end(struct sim *s)
{
	size_t first = s->trace_count > s->trace_room ? s->trace_count - s->trace_room : 0;
	for (size_t i = first; i < s->trace_count; i++)
		(void)puts(s->trace[i % s->trace_room]);
	free(s->trace);
}

void
sim_note(struct sim *s, cluster_node n, const char *format, ...)
{
	if (s->trace_room == 0)
		return;
	char text[SIM_TRACE_BYTES - 64];
	va_list arguments;
	va_start(arguments, format);
	(void)vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	(void)snprintf(s->trace[s->trace_count++ % s->trace_room], SIM_TRACE_BYTES,
		       "%11.3f %-4.20s %2" PRIu64 " %10" PRIu64 "  %s", (double)s->now_us / 1000,
		       sim_name(s, n), s->node[n].incarnation, sim_local_ms(s, n), text);
}

void
sim_fail(struct sim *s, const char *format, ...)
{
	if (s->outcome->failed)
		return;
	s->outcome->failed = true;
	char text[400];
	va_list arguments;
	va_start(arguments, format);
	(void)vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	(void)snprintf(s->outcome->text, sizeof(s->outcome->text), "at %.3f ms: %s",
		       (double)s->now_us / 1000, text);
}

bool
sim_failed(const struct sim *s)
{
	return s->outcome->failed;
}

void
sim_measure(struct sim *s, const char *name, uint64_t value)
{
	for (size_t i = 0; i < SIM_MEASURES_MAX; i++) {
		struct sim_measured *m = &s->outcome->measured[i];
		if (m->name != NULL && strcmp(m->name, name) != 0)
			continue;
		m->name = name;
		m->count++;
		m->sum += value;
		m->max = value > m->max ? value : m->max;
		return;
	}
	sim_fail(s, "more than %d measures", SIM_MEASURES_MAX);
}
