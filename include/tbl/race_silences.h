/*
 * race_silences.h: RACE_SILENCE(name, text, help): what became of an INIT that a node heard, in the
 * order in which it is asked. `text` is the counter's label; it never changes.
 */
RACE_SILENCE(BAD, "bad", "no INIT of this version, forged, or of another cluster")
RACE_SILENCE(SHORT, "short", "shorter than the answer would be")
RACE_SILENCE(RATE, "rate", "too many from these addresses")
RACE_SILENCE(SERVICE, "service", "no service of this name that has tickets, or no member of it here")
RACE_SILENCE(STALE, "stale", "the member's own check is not fresh, or failed")
RACE_SILENCE(DRAIN, "drain", "the member takes no new sessions, or the node stops")
RACE_SILENCE(FULL, "full", "the member has all that it can take")
RACE_SILENCE(QUEUE, "queue", "too many answers wait already")
