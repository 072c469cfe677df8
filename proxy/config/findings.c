/* findings.c: the list of what is wrong; see config.h and loading.h. */
#include "config/loading.h"

#include <stdlib.h>

static void
finding_deinit(struct config_finding *finding)
{
	free(finding->file);
	free(finding->path);
	free(finding->value);
	free(finding->reason);
}

static char *
copy(const char *text, bool *failed)
{
	char *made = strdup(text == NULL ? "" : text);
	*failed |= made == NULL;
	return made;
}

static bool
grow(struct config_findings *findings)
{
	if ((findings->count & (findings->count - 1)) != 0)
		return true; /* the list holds a power of 2 */
	size_t capacity = findings->count == 0 ? 1 : findings->count * 2;
	void *list = realloc(findings->list, capacity * sizeof(findings->list[0]));
	if (list == NULL)
		return false;
	findings->list = list;
	return true;
}

bool
findings_add(struct config_findings *findings, const struct config_finding *finding)
{
	if (!finding->warning)
		findings->errors++;
	if (findings->count == CONFIG_FINDINGS_MAX || !grow(findings)) {
		findings->not_shown++;
		return findings->count == CONFIG_FINDINGS_MAX;
	}
	bool failed = false;
	struct config_finding made = {
	    .file = copy(finding->file, &failed),
	    .line = finding->line,
	    .path = copy(finding->path, &failed),
	    .value = copy(finding->value, &failed),
	    .reason = copy(finding->reason, &failed),
	    .warning = finding->warning,
	};
	if (failed) {
		finding_deinit(&made);
		findings->not_shown++;
		return false;
	}
	findings->list[findings->count++] = made;
	return true;
}

/* By insertion: CONFIG_FINDINGS_MAX is small, and those of one line keep their order. */
void
findings_sort(struct config_findings *findings)
{
	for (size_t i = 1; i < findings->count; i++) {
		struct config_finding moved = findings->list[i];
		size_t at = i;
		for (; at > 0 && findings->list[at - 1].line > moved.line; at--)
			findings->list[at] = findings->list[at - 1];
		findings->list[at] = moved;
	}
}

void
config_findings_free(struct config_findings *findings)
{
	for (size_t i = 0; i < findings->count; i++)
		finding_deinit(&findings->list[i]);
	free(findings->list);
	*findings = (struct config_findings){.list = NULL};
}

void
config_finding_text(const struct config_finding *f, char *text, size_t bytes)
{
	char line[16] = "";
	bool path = f->path[0] != '\0';
	bool value = f->value[0] != '\0';
	if (f->line > 0)
		(void)snprintf(line, sizeof(line), "%d:", f->line);
	(void)snprintf(text, bytes, "%s:%s %s%s%s%s%s%s", f->file, line,
		       f->warning ? "warning: " : "", f->path, path && value ? " = " : "", f->value,
		       path || value ? ": " : "", f->reason);
}

void
config_findings_print(const struct config_findings *findings, FILE *to)
{
	for (size_t i = 0; i < findings->count; i++) {
		char text[CONFIG_FINDING_BYTES_MAX];
		config_finding_text(&findings->list[i], text, sizeof(text));
		(void)fprintf(to, "%s\n", text);
	}
	const char *why = findings->count < CONFIG_FINDINGS_MAX ? "no memory: " : "";
	if (findings->not_shown > 0)
		(void)fprintf(to, "%s%zu more %s not shown\n", why, findings->not_shown,
			      findings->not_shown == 1 ? "is" : "are");
}

bool
config_find(struct config_findings *findings, const struct config *config, size_t service,
	    size_t member, const char *key, bool warning, const char *reason)
{
	char path[128];
	char value[ADDR_TEXT_BYTES_MAX + 16];
	struct writer w = writer_on(value, sizeof(value));
	write_char(&w, '"');
	const struct config_service *s = &config->services[service];
	struct config_finding finding = {.file = config->file,
					 .line = s->line,
					 .path = path,
					 .value = value,
					 .reason = (char *)(uintptr_t)reason,
					 .warning = warning};
	if (member == SIZE_MAX) {
		(void)snprintf(path, sizeof(path), "services[%zu].%s", service, key);
		write_text(&w, s->discover.srv ? "dns+srv://" : "dns://");
		if (s->discover.srv)
			write_text(&w, addr_kept_text(&s->discover.at));
		else
			write_addr(&w, &s->discover.at);
	} else {
		(void)snprintf(path, sizeof(path), "services[%zu].members[%zu].%s", service, member,
			       key);
		finding.line = s->members[member].line;
		write_addr(&w, &s->members[member].origin);
	}
	write_char(&w, '"');
	(void)writer_text(&w);
	bool added = findings_add(findings, &finding);
	findings_sort(findings);
	return added;
}
