/* page_logs.c: holdfast-logs(5), of include/tbl/events.h, reasons.h and causes.h. */
#include "pages.h"
#include "roff.h"
#include "vocab.h"

static void
events(FILE *to)
{
	roff_section(to, "FAILOVER LOG");
	roff_text(to, "One JSON object a line, in UTF-8; every line has ts (UTC), node and event. "
		      "The other fields depend on the event, and a field that has nothing to say "
		      "is left out. holdfast tail shows it in columns.");
	roff_subsection(to, "Events");
#define EVENT(name, text, help) roff_item(to, text, help);
#include "tbl/events.h"
#undef EVENT
	roff_subsection(to, "Reasons");
	roff_text(to,
		  "Why a server was not, or no longer, used: in the fields reason and skipped, in "
		  "the header Holdfast-Failover that the server gets, and in holdfast explain.");
#define REASON(name, text, help) roff_item(to, text, help);
#include "tbl/reasons.h"
#undef REASON
}

static const char *
side_of(enum cause_side side)
{
	static const char *const sides[] = {
	    [SIDE_CLIENT] = "the client's",
	    [SIDE_PROXY] = "Holdfast's",
	    [SIDE_MEMBER] = "the server's",
	};
	return sides[side];
}

static void
cause(FILE *to, const struct cause_row *row)
{
	char doing[96];
	roff_item(to, row->text, row->help);
	if (row->status != 0)
		(void)snprintf(doing, sizeof(doing), "status %d; %s doing", row->status,
			       side_of(row->side));
	else
		(void)snprintf(doing, sizeof(doing), "%s doing", side_of(row->side));
	roff_more(to, doing);
}

void
page_logs(FILE *to)
{
	roff_title(to, "holdfast-logs", 5, "what stands in the logs of Holdfast");
	events(to);
	roff_section(to, "ACCESS LOG");
	roff_text(to, "A line a request, as JSON or in the combined format (log.access_format). "
		      "The field cause says how the exchange ended: exactly one of these words.");
	roff_subsection(to, "Causes");
	for (int i = 0; i < CAUSES; i++)
		cause(to, &cause_table[i]);
	roff_section(to, "STATES OF A SERVER");
#define MEMBER_STATE(name, text, operational, takes_new, help) roff_item(to, text, help);
#include "tbl/member_states.h"
#undef MEMBER_STATE
	roff_section(to, "SEE ALSO");
	roff_text(to, "holdfast(1), holdfast.conf(5), holdfast-handbook(7)");
}
