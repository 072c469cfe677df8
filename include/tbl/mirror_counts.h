/*
 * mirror_counts.h: MIRROR_COUNT(name, text, help): what became of the copies of requests that first
 * backups get (services[].mirror). `text` is the counter's label; it never changes.
 */
MIRROR_COUNT(SENT, "sent", "the backup answered, which was thrown away")
MIRROR_COUNT(FAILED, "failed", "the backup did not answer, or not in whole")
MIRROR_COUNT(TAKEN, "taken", "served here, as the first backup: the copy of another node")
MIRROR_COUNT(LARGE, "large", "not copied: the body is larger than mirror_bytes_max, or than what is kept of it")
MIRROR_COUNT(CROWDED, "crowded", "not copied: too many copies, or bytes of them, waited for the backups")
MIRROR_COUNT(NOBODY, "nobody", "not copied: there is no backup that is operational")
