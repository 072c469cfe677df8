/* page_command.c: holdfast(1), of include/tbl/subcommands.h. */
#include "pages.h"
#include "roff.h"
#include "words.h"

#include <string.h>

#define OPTION_TEXT_BYTES 64 /* "-c, --config FILE" */

static void
option(FILE *to, const struct option_word *o)
{
	char text[OPTION_TEXT_BYTES];
	const char letter[] = {'-', o->letter, ',', ' ', '\0'};
	(void)snprintf(text, sizeof(text), "%s--%s%s%s", o->letter != 0 ? letter : "", o->name,
		       o->value != NULL ? " " : "", o->value != NULL ? o->value : "");
	roff_item(to, text, o->help);
}

static void
options(FILE *to, const char *name)
{
	for (size_t i = 0; i < option_word_count; i++) {
		struct option_word o = option_word(i);
		if (strcmp(command_words[o.command].name, name) == 0)
			option(to, &o);
	}
}

static void
command(FILE *to, const char *name, const char *usage, const char *help, const char *details,
	const char *negative)
{
	roff_subsection(to, name);
	(void)fputs(".PP\n.B holdfast ", to);
	roff_run(to, name);
	(void)fputc('\n', to);
	roff_run(to, usage);
	(void)fputs("\n", to);
	roff_text(to, help);
	if (details[0] != '\0')
		roff_text(to, details);
	if (negative != NULL) {
		(void)fputs(".PP\nExit status 1: ", to);
		roff_run(to, negative);
		(void)fputs(".\n", to);
	}
	options(to, name);
}

static void
commands(FILE *to)
{
	roff_section(to, "COMMANDS");
	roff_text(to,
		  "Every command takes --help. Options may stand behind operands; -- ends them.");
#define SUBCOMMAND(ident, name, usage, help, details, negative) \
	command(to, name, usage, help, details, negative);
#define EXAMPLE(command, line) roff_example(to, line "\n");
#include "tbl/subcommands.h"
}

static void
signals(FILE *to)
{
	roff_section(to, "SIGNALS");
	roff_item(to, "SIGHUP",
		  "reads the configuration again: all of it is checked first, then taken, or "
		  "refused with the reason; no connection is dropped");
	roff_item(to, "SIGTERM, SIGINT",
		  "ends: no new connections; requests may end for as long as the key stop says; a "
		  "second one: at once");
	roff_item(to, "SIGQUIT", "ends at once");
	roff_item(to, "SIGUSR2",
		  "starts the program anew, which takes the listeners over; when it serves, this "
		  "process ends with its connections, of which none is broken; when it does not, "
		  "this process goes on");
	roff_item(to, "SIGUSR1", "opens the logs again, after they were renamed");
}

void
page_command(FILE *to)
{
	roff_title(to, "holdfast", 1, "session-affinity failover reverse proxy");
	roff_section(to, "SYNOPSIS");
	(void)fputs(".B holdfast\n.I command\n.RI [ options ]\n.RI [ operands ]\n", to);
	roff_section(to, "DESCRIPTION");
	roff_text(
	    to, "Holdfast stands in front of an HTTP service whose servers keep sessions in "
		"memory. It tags each session with its key and the id of its server; when that "
		"server fails, every node computes the same order of backups from the key and asks "
		"the first that lives. No table of sessions is kept, and none has to be shared.");
	roff_text(to, "A configuration (holdfast.conf(5)) says where the session key is found and "
		      "which servers there are. What happened to a session, and why, stands in the "
		      "failover log (holdfast-logs(5)).");
	commands(to);
	signals(to);
	roff_section(to, "EXIT STATUS");
	roff_item(to, "0", "done, or the answer is yes");
	roff_item(to, "1", "the answer is no; each command says what that means");
	roff_item(to, "2", "the command line or the configuration is wrong");
	roff_section(to, "FILES");
	roff_item(to, "/etc/holdfast/holdfast.conf",
		  "the configuration that the service unit uses");
	roff_item(to, "/var/lib/holdfast",
		  "state_dir: the secret that was made when none is configured, the membership, "
		  "the register of a voter");
	roff_item(to, "/var/log/holdfast", "where the packaged configuration has its logs");
	roff_section(to, "SEE ALSO");
	roff_text(to, "holdfast.conf(5), holdfast-logs(5), holdfast-handbook(7)");
}
