/*
 * lease.pml: PaxosLease of one role, with the rules of proxy/cluster/lease.h (R1 to R8): never two hold it.
 *
 * Two proposers, three acceptors, BALLOTS ballots (odd ones are proposer 0's, even ones proposer 1's),
 * RESTARTS restarts of acceptors. Time is discrete and passes for all at once (`tick`); between ticks
 * anything may happen in any order. The network loses, copies, delays and reorders: a message that was
 * sent is a bit that stays set, and whoever it is for may read it at any time, again, or never. An
 * answer whose asker does not listen any more is not kept, which changes nothing and saves states.
 * Clocks that run at different rates are the simulator's part (tests/sim).
 *
 *   T    the owner's timer, started before PROPOSE        TA   the acceptor's, started on receipt
 *   TN   a ballot dies so long after its PREPARE          M    silence of an acceptor that restarted
 *
 * As built, an acceptor takes only the very ballot that it promised, and promises nobody else anything
 * while a lease lives: it is a lock that its owner alone may take again, until its time is over. With
 * UNPREPARED it takes any ballot that is not lower, as in the original algorithm: then deadlines on
 * ballots, kept promises and M >= 2*TN are needed as well, and even with them four ballots and one
 * restart give two holders: a proposal that arrives after its ballot's death takes the place of another
 * owner's lease, and its owner's next PREPARE finds its "own" lease there.
 *
 * With RELEASE owners may also stop early. Mutants, each of which must break the assertion (run.py):
 *   M=0, M<T, M<2*TN, TA<T   constants that are too short
 *   NO_DEADLINE       ballots do not die                                                     (not R7)
 *   TIMER_AT_ACCEPT   the owner's timer starts when it has the majority, not before PROPOSE  (not R3)
 *   ACCEPT_BELOW      acceptors take proposals below their promise                           (not R1)
 *   PROMISE_HELD      acceptors promise while another owner's lease lives                    (not R2)
 *   FORGET_PROMISE    acceptors drop their promise with the lease                            (not R5)
 *   EARLY_FORGET      an idle acceptor's place is given away without waiting M               (as R6)
 *   TELL_FIRST        owners release first, then stop                                        (not R8)
 */
#ifndef T
#define T 3
#endif
#ifndef TA
#define TA T
#endif
#ifndef TN
#define TN 1
#endif
#ifndef M
#define M 3
#endif
#ifndef BALLOTS
#define BALLOTS 4
#endif
#ifndef RESTARTS
#define RESTARTS 1
#endif

#define ACCEPTORS 3
#define owner(b) (((b) + 1) & 1) /* proposer 0: 1, 3; proposer 1: 2, 4 */
#define NO 0
#define PREPARING 1
#define PROPOSING 2

#define bit(a) (1 << (a))
#define majority(set) ((set) == 3 || (set) > 4)

/* acceptors; 0: none */
byte promised[ACCEPTORS];
byte accepted[ACCEPTORS];
byte accepted_left[ACCEPTORS];
byte silent_left[ACCEPTORS];
byte restarts;
#ifdef EARLY_FORGET
bit forgotten;
#endif

/* proposers; renewals negotiate while held_left > 0 */
byte ballot[2];       /* of the negotiation, or the last one */
byte phase[2];
byte ballot_left[2];
byte proposed_left[2];
byte held_left[2];
byte yes[2];          /* acceptors whose answer is in the network */

/* messages to acceptors, a bit a ballot */
byte prepares;
byte proposals;
#ifdef RELEASE
byte releases;
#endif

byte a, p; /* loops */

inline done(q) {
	phase[q] = NO;
	yes[q] = 0;
	ballot_left[q] = 0;
	proposed_left[q] = 0
}

/* The next ballot of proposer q that no one has used up: above all that it used before. */
inline prepare(q, n) {
	ballot[q] = n;
	phase[q] = PREPARING;
	yes[q] = 0;
	ballot_left[q] = TN;
	proposed_left[q] = 0;
	prepares = prepares | bit(n)
}

inline tick() {
	a = 0;
	do
	:: a < ACCEPTORS ->
		if
		:: silent_left[a] > 0 -> silent_left[a]--
		:: else
		fi;
		if
		:: accepted_left[a] > 0 ->
			accepted_left[a]--;
			if
			:: accepted_left[a] == 0 ->
#ifdef FORGET_PROMISE
				promised[a] = 0;
#endif
				accepted[a] = 0
			:: else
			fi
		:: else
		fi;
		a++
	:: else -> break
	od;
	p = 0;
	do
	:: p < 2 ->
		if
		:: held_left[p] > 0 -> held_left[p]--
		:: else
		fi;
#ifndef TIMER_AT_ACCEPT
		if
		:: proposed_left[p] > 0 ->
			proposed_left[p]--;
			if
			:: proposed_left[p] == 0 -> done(p)
			:: else
			fi
		:: else
		fi;
#endif
#ifndef NO_DEADLINE
		if
		:: ballot_left[p] > 0 ->
			ballot_left[p]--;
			if
			:: ballot_left[p] == 0 -> done(p)
			:: else
			fi
		:: else
		fi;
#endif
		p++
	:: else -> break
	od;
	a = 0;
	p = 0
}

/* An acceptor reads PREPARE n (R1): not below its promise, and no other's lease lives. */
inline on_prepare(x, n) {
	promised[x] = n;
	if
	:: ballot[owner(n)] == n && phase[owner(n)] == PREPARING ->
		yes[owner(n)] = yes[owner(n)] | bit(x)
	:: else
	fi
}

/* It reads PROPOSE n, which it promised; a copy of what it accepted starts no timer. */
inline on_propose(x, n) {
	promised[x] = n;
	if
	:: accepted[x] != n ->
		accepted[x] = n;
		accepted_left[x] = TA
	:: else
	fi;
	if
	:: ballot[owner(n)] == n && phase[owner(n)] == PROPOSING ->
		yes[owner(n)] = yes[owner(n)] | bit(x)
	:: else
	fi
}

#ifdef RELEASE
inline on_release(x, n) {
	if
	:: accepted[x] != 0 && accepted[x] < n && owner(accepted[x]) == owner(n) ->
		accepted[x] = 0;
		accepted_left[x] = 0
	:: else
	fi;
	if
	:: promised[x] < n -> promised[x] = n
	:: else
	fi
}
#endif

/* It restarts: all is forgotten, and silence begins (R6). */
inline restart(x) {
	restarts++;
	promised[x] = 0;
	accepted[x] = 0;
	accepted_left[x] = 0;
	silent_left[x] = M
}

/* R2, R3 */
inline propose(q) {
	phase[q] = PROPOSING;
	yes[q] = 0;
	proposed_left[q] = T;
	proposals = proposals | bit(ballot[q])
}

/* R4 */
inline hold(q) {
#ifdef TIMER_AT_ACCEPT
	held_left[q] = T;
#else
	held_left[q] = proposed_left[q];
#endif
	done(q);
	assert(held_left[0] == 0 || held_left[1] == 0)
}

#ifdef RELEASE
/* R8: the owner stops first; a ballot of its own, above all that it proposed, goes with it. */
inline release(q) {
#ifndef TELL_FIRST
	held_left[q] = 0;
#endif
	done(q);
	ballot[q] = ballot[q] + 2;
	releases = releases | bit(ballot[q])
}
#endif

#ifdef EARLY_FORGET
#define may_forget(x) (!forgotten && hears(x) && accepted[x] == 0 && promised[x] != 0)
inline forget(x) {
	forgotten = 1;
	promised[x] = 0
}
#endif

#define hears(x) (silent_left[x] == 0)
#ifdef PROMISE_HELD
#define is_open(x, n) true
#else
#define is_open(x, n) (accepted[x] == 0 || owner(accepted[x]) == owner(n))
#endif
#define may_promise(x, n) ((prepares & bit(n)) && hears(x) && n >= promised[x] && is_open(x, n))
#ifdef UNPREPARED
#define may_accept(x, n) ((proposals & bit(n)) && hears(x) && n >= promised[x])
#elif defined(ACCEPT_BELOW)
#define may_accept(x, n) ((proposals & bit(n)) && hears(x) && promised[x] != 0)
#else
#define may_accept(x, n) ((proposals & bit(n)) && hears(x) && n == promised[x])
#endif
#define may_hear_release(x, n) ((releases & bit(n)) && hears(x) && n >= promised[x])

#define ACCEPTOR_READS(x, n) \
	:: d_step { may_promise(x, n) -> on_prepare(x, n) } \
	:: d_step { may_accept(x, n) -> on_propose(x, n) }

#define ACCEPTOR(x) \
	ACCEPTOR_READS(x, 1) \
	ACCEPTOR_READS(x, 2) \
	ACCEPTOR_READS(x, 3) \
	:: d_step { restarts < RESTARTS -> restart(x) }

#define PROPOSER(q) \
	:: d_step { phase[q] == PREPARING && majority(yes[q]) -> propose(q) } \
	:: d_step { phase[q] == PROPOSING && majority(yes[q]) -> hold(q) }

#define MORE(q, n) \
	:: d_step { phase[q] == NO && ballot[q] < n -> prepare(q, n) } \
	ACCEPTOR_READS(0, n) \
	ACCEPTOR_READS(1, n) \
	ACCEPTOR_READS(2, n)

init {
	do
	:: d_step { tick() }

	/* a proposer starts: an election or, while it holds, a renewal */
	:: d_step { phase[0] == NO && ballot[0] < 1 -> prepare(0, 1) }
	:: d_step { phase[1] == NO && ballot[1] < 2 -> prepare(1, 2) }
	:: d_step { phase[0] == NO && ballot[0] < 3 -> prepare(0, 3) }
	PROPOSER(0)
	PROPOSER(1)
	ACCEPTOR(0)
	ACCEPTOR(1)
	ACCEPTOR(2)

#if BALLOTS >= 4
	MORE(1, 4)
#endif
#if BALLOTS >= 5
	MORE(0, 5)
#endif
#if BALLOTS >= 6
	MORE(1, 6)
#endif
#ifdef RELEASE
	:: d_step { held_left[0] > 0 && ballot[0] + 2 <= BALLOTS -> release(0) }
	:: d_step { held_left[1] > 0 && ballot[1] + 2 <= BALLOTS -> release(1) }
	:: d_step { may_hear_release(0, 3) -> on_release(0, 3) }
	:: d_step { may_hear_release(1, 3) -> on_release(1, 3) }
	:: d_step { may_hear_release(2, 3) -> on_release(2, 3) }
	:: d_step { may_hear_release(0, 4) -> on_release(0, 4) }
	:: d_step { may_hear_release(1, 4) -> on_release(1, 4) }
	:: d_step { may_hear_release(2, 4) -> on_release(2, 4) }
#endif
#ifdef EARLY_FORGET
	:: d_step { may_forget(0) -> forget(0) }
	:: d_step { may_forget(1) -> forget(1) }
	:: d_step { may_forget(2) -> forget(2) }
#endif
	od
}
