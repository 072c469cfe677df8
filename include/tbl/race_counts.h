/*
 * race_counts.h: RACE_COUNT(name, text, help): what became of the races that a node held for new
 * sessions. `text` is the counter's label; it never changes.
 */
RACE_COUNT(WON, "won", "somebody offered in time")
RACE_COUNT(SECOND, "second", "nobody did within race.limit: raced once more")
RACE_COUNT(FALLBACK, "fallback", "nobody did at all: the ordering decided")
RACE_COUNT(CROWDED, "crowded", "too many races at once, or fewer than two nodes: the ordering decided")
RACE_COUNT(REFUSED, "refused", "the winner was not there, did not take its ticket any more, or had no room: raced once more")
RACE_COUNT(LATE, "late", "offers that came after the tag was dropped")
