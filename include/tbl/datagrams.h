/*
 * datagrams.h: DATAGRAM(name, number, help): every type of datagram between nodes. Numbers are part of
 * the wire format, version 1: they are never given to another type. Who owns the body stands in the
 * machine's header (cluster/election.h, cluster/lease.h, ...).
 */
/* liveness and delays */
DATAGRAM(HEARTBEAT, 1, "I live: master, epoch, delays as measured, health of the service")
DATAGRAM(INQUIRY, 2, "are you there (US 6,889,338: inquiry message)")
DATAGRAM(REPLY, 3, "I am: the inquiry's number comes back")
/* who stands for master */
DATAGRAM(SUSPECT, 10, "the master does not answer me; timers start")
DATAGRAM(REFUTE, 11, "the master answers me: proof")
DATAGRAM(DECLARE, 12, "I am master (Declare_Master)")
DATAGRAM(REVOKE, 13, "you are not master, I am (Revoke_Master)")
DATAGRAM(INVITE, 14, "stand for master now: a client asked and nobody is")
/* who may be master: PaxosLease */
DATAGRAM(PREPARE, 20, "lease: a ballot opens")
DATAGRAM(PROMISE, 21, "lease: no lower ballot any more; free, or held by")
DATAGRAM(PROPOSE, 22, "lease: this owner, for this long")
DATAGRAM(ACCEPT, 23, "lease: accepted")
DATAGRAM(REFUSE, 24, "lease: a higher ballot was promised, or silence after a restart")
DATAGRAM(LEARN, 25, "lease: this owner has the majority")
DATAGRAM(RELEASE, 26, "lease: the owner stopped")
/* the storage register of the voters */
DATAGRAM(READ, 30, "register: what do you hold")
DATAGRAM(HELD, 31, "register: this, with its timestamp")
DATAGRAM(WRITE, 32, "register: keep this")
DATAGRAM(WRITTEN, 33, "register: it is on disk")
DATAGRAM(OUTDATED, 34, "register: I hold a later one")
/* the membership by epochs: cluster/epoch.h */
DATAGRAM(EPOCH, 50, "membership: I hold this one")
DATAGRAM(PROPOSAL, 51, "membership: change this")
DATAGRAM(ANSWER, 52, "membership: what became of it")
/* where a new session may start (US 8,069,251) */
DATAGRAM(RACE_INIT, 40, "who takes a new session: service and tag")
DATAGRAM(RACE_OFFER, 41, "I do: the tag and a ticket")
/* the master's placement of new sessions: in the form of a race's datagrams */
DATAGRAM(PLACE, 42, "master, who takes a new session: service and tag")
DATAGRAM(PLACED, 43, "this member does: the tag, and in which term; or: I am not master")
