/*
 * datagram_drops.h: DATAGRAM_DROP(name, text, help): why a datagram was not let in, in the order in
 * which it is asked. `text` is the label of the counter; it never changes.
 */
DATAGRAM_DROP(TRUNCATED, "truncated", "shorter than a header and a MAC, or longer than any of ours")
DATAGRAM_DROP(MAGIC, "magic", "no datagram of Holdfast")
DATAGRAM_DROP(VERSION, "version", "of another version of the format")
DATAGRAM_DROP(CLUSTER, "cluster", "of another cluster")
DATAGRAM_DROP(SECRET, "secret", "under a secret that is not configured here")
DATAGRAM_DROP(MAC, "mac", "forged or damaged")
DATAGRAM_DROP(SENDER, "sender", "of a node that is not in the list")
DATAGRAM_DROP(TWIN, "twin", "of another process that has this node's id")
DATAGRAM_DROP(RECEIVER, "receiver", "for another node")
DATAGRAM_DROP(OLD, "old", "let in before, or long overtaken: replayed, doubled, or of a run of the sender that is over")
