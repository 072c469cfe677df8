/*
 * placement_counts.h: PLACEMENT_COUNT(name, text, help): who placed the new sessions of a service with
 * assign = "master". `text` is the counter's label; it never changes.
 */
PLACEMENT_COUNT(OWN, "own", "this node, as it was master")
PLACEMENT_COUNT(MASTER, "master", "the master, which was asked")
PLACEMENT_COUNT(NOBODY, "nobody", "nobody was master: the ordering decided")
PLACEMENT_COUNT(SILENT, "silent", "the master did not answer within session.placement.limit: the ordering decided")
PLACEMENT_COUNT(DEPOSED, "deposed", "who was asked is not master, or has no such service: the ordering decided")
PLACEMENT_COUNT(UNFIT, "unfit", "the master's choice is not there, as this node knows: the ordering decided")
PLACEMENT_COUNT(CROWDED, "crowded", "too many questions at once: the ordering decided")
