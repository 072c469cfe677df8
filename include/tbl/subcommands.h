/*
 * subcommands.h: what `holdfast` can be told. main.c, the parser of options (proxy/cli/options.c),
 * the help texts and the tests read these rows; a row's macro that its reader did not define
 * expands to nothing, and all are undefined at the end.
 *
 * OPTION(ident, letter, name, value): an option. It means the same wherever it is taken.
 *   letter: 0: none. value: what stands behind it, in capitals; NULL: a switch.
 * SUBCOMMAND(ident, name, usage, help, details, negative): argv[1] to function cli_<ident>.
 *   usage: what stands behind the name. details: sentences, or "". negative: what exit status 1
 *   says; NULL: it never ends so.
 * TAKES(command, option, help): a command takes an option. --help, -h is taken by all.
 * EXAMPLE(command, line): shown by its help.
 */
#ifndef OPTION
#define OPTION(ident, letter, name, value)
#endif
#ifndef SUBCOMMAND
#define SUBCOMMAND(ident, name, usage, help, details, negative)
#endif
#ifndef TAKES
#define TAKES(command, option, help)
#endif
#ifndef EXAMPLE
#define EXAMPLE(command, line)
#endif

OPTION(HELP, 'h', "help", NULL)
OPTION(CONFIG, 'c', "config", "FILE")
OPTION(SERVICE, 0, "service", "NAME")
OPTION(JSON, 0, "json", NULL)
OPTION(DOWN, 0, "down", "ID,ID...")
OPTION(DRAIN, 0, "drain", "ID,ID...")
OPTION(IDLE, 0, "idle", NULL)
OPTION(PRIMARY, 0, "primary", "ID")
OPTION(LAST, 0, "last", "ID")
OPTION(DIGEST, 0, "digest", NULL)
OPTION(KEY, 0, "key", "KEY")
OPTION(KEYS_FILE, 0, "keys-file", "FILE")
OPTION(ADD, 0, "add", "ID[:WEIGHT[:ZONE]]")
OPTION(REMOVE, 0, "remove", "ID,ID...")
OPTION(WEIGHT, 0, "weight", "ID=N")
OPTION(TAGGED, 0, "tagged", NULL)
OPTION(SUMMARY, 0, "summary", NULL)
OPTION(SINCE, 0, "since", "WHEN")
OPTION(SESSION, 0, "session", "HEX")
OPTION(MEMBER, 0, "member", "ID")
OPTION(EVENT, 0, "event", "NAME,NAME...")
OPTION(FOLLOW, 'f', "follow", NULL)
OPTION(NO_FOLLOW, 0, "no-follow", NULL)
OPTION(LINES, 'n', "lines", "LINES")
OPTION(COLOR, 0, "color", "auto|always|never")
OPTION(ADMIN, 0, "admin", "HOST:PORT")
OPTION(TOKEN_FILE, 0, "token-file", "FILE")
OPTION(DEAD, 0, "dead", "ID")
OPTION(SAMPLES, 0, "samples", "N")
OPTION(OPEN, 0, "open", NULL)
OPTION(HOST, 0, "host", "NAME")
OPTION(BIND, 0, "bind", "secret|address")
OPTION(LIMIT, 0, "limit", "MS")
OPTION(STAGGER, 0, "stagger", "MS")
OPTION(EPOCH, 0, "epoch", "N")
OPTION(LIVE, 0, "live", "NODE")

SUBCOMMAND(run, "run", "-c FILE", "run a node in the foreground", "", "it could not start, or ended by an error")
TAKES(run, CONFIG, "its configuration")
EXAMPLE(run, "holdfast run -c /etc/holdfast/holdfast.conf")

SUBCOMMAND(check, "check", "-c FILE [--json]", "check a configuration and say everything that is wrong with it", "Findings go to stderr, a line each with file, line, path, value and reason; with --json to stdout.", NULL)
TAKES(check, CONFIG, "the configuration")
TAKES(check, JSON, "findings and counts as one JSON object")
EXAMPLE(check, "holdfast check -c conf/demo.conf")

SUBCOMMAND(doctor, "doctor", "-c FILE [--json]", "say whether a node with this configuration would be well on this machine", "Examined are the configuration with its certificates, descriptors, backlog, clock, state_dir, ports, and whether members and nodes can be connected to. A line each: ok, warning or bad. Nothing is changed.", "something is bad")
TAKES(doctor, CONFIG, "the configuration")
TAKES(doctor, JSON, "as one JSON object")
EXAMPLE(doctor, "holdfast doctor -c /etc/holdfast/holdfast.conf")

SUBCOMMAND(explain, "explain", "[-c FILE] [--live NODE [--token-file FILE]] [--service NAME] [--down ID,ID...] [--drain ID,ID...] [--primary ID] [--last ID] [--idle] [--digest] [--json] KEY | --keys-file FILE", "say where a session key goes, and why", "The same decision that a node makes, from the configuration alone: all members are up but those of --down, and the members are those of the file. With --live a running node is asked how it sees its members now, discovered ones and those of its epoch; with both, what differs is said. A key that begins with '-' stands behind \"--\".", "no member would serve it")
TAKES(explain, CONFIG, "the configuration")
TAKES(explain, LIVE, "ask this node: its admin address, or with -c the id of one of cluster.nodes")
TAKES(explain, TOKEN_FILE, "file with the token of its admin interface; absent: the configuration's")
TAKES(explain, SERVICE, "the service; may be absent when there is one")
TAKES(explain, DOWN, "as if these members were down")
TAKES(explain, DRAIN, "as if these members were draining")
TAKES(explain, PRIMARY, "as if the session's tag named this primary")
TAKES(explain, LAST, "as if the session was served last by this member")
TAKES(explain, IDLE, "as if the session had been without a request for session.stay_until_idle")
TAKES(explain, DIGEST, "KEY is a session digest: 32 hex digits, as in Holdfast-Session")
TAKES(explain, KEYS_FILE, "a key a line, - for standard input; a line each: key, digest, primary, chosen, with tabs between")
TAKES(explain, JSON, "as JSON; with --keys-file an object a line")
EXAMPLE(explain, "holdfast explain -c conf/demo.conf --down a alice")
EXAMPLE(explain, "holdfast explain --live 10.0.0.1:8081 alice")
EXAMPLE(explain, "holdfast explain -c conf/demo.conf --digest 56b25ba9d748dddb065ed0a260ae5182")

SUBCOMMAND(what_if, "what-if", "-c FILE [--service NAME] [--add ID[:WEIGHT[:ZONE]]] [--remove ID,ID...] [--weight ID=N] [--down ID,ID...] [--tagged] [--summary] [--json] KEYS-FILE", "say which session keys a change of the members moves, and to whom", "KEYS-FILE has a key a line, any number of them; - is standard input. A line for each key that moves: key, from, to, with tabs between; then the counts, beside them what the weights let expect. \"moved\" are sessions that go by their key alone, as a client that keeps no tag; \"tagged\" those that hold the tag that they got before. All members are taken to be up before.", "a key would be served by nobody")
TAKES(what_if, CONFIG, "the configuration")
TAKES(what_if, SERVICE, "the service; may be absent when there is one")
TAKES(what_if, ADD, "a member more, of weight 1 if not told; may be repeated. An id with ':' in it cannot be told so")
TAKES(what_if, REMOVE, "these members leave; may be repeated")
TAKES(what_if, WEIGHT, "another weight; may be repeated")
TAKES(what_if, DOWN, "these members are down, after all other changes")
TAKES(what_if, TAGGED, "list the moves of sessions that hold their tags")
TAKES(what_if, SUMMARY, "the counts only")
TAKES(what_if, JSON, "as one JSON object")
EXAMPLE(what_if, "holdfast what-if -c conf/demo.conf --add d:2 --summary keys.txt")
EXAMPLE(what_if, "holdfast what-if -c conf/demo.conf --remove a --json -")

SUBCOMMAND(tag, "tag", "-c FILE [--service NAME] [--key KEY] [--json] TAG", "decode and verify a tag: the value of its cookie or header", "Says what the tag claims, and whether a node with this configuration would believe it. NAME=TAG and KEY~TAG are taken, too. TAG as - is read from standard input: on the command line it stands in the list of processes, where others can read it, and who has it is the session.", "it does not verify: it would be treated as absent")
TAKES(tag, CONFIG, "the configuration, with its secrets")
TAKES(tag, SERVICE, "the service; if absent the one under which the tag verifies")
TAKES(tag, KEY, "verify that it belongs to this session key")
TAKES(tag, JSON, "as JSON")
EXAMPLE(tag, "holdfast tag -c /etc/holdfast/holdfast.conf -")

SUBCOMMAND(tail, "tail", "[-c FILE | FILE] [--service NAME] [--session HEX] [--member ID] [--event NAME,NAME...] [--since WHEN] [--summary | --json] [--no-follow] [-n LINES] [--color auto|always|never]", "follow the failover log", "FILE is the log; with -c the one that the configuration names. Follows a log that is rotated.", "the log cannot be read")
TAKES(tail, CONFIG, "the configuration that names the log")
TAKES(tail, SERVICE, "lines of this service only")
TAKES(tail, SESSION, "lines of sessions whose digest begins so")
TAKES(tail, MEMBER, "lines that name this member")
TAKES(tail, EVENT, "lines of these events")
TAKES(tail, SINCE, "from then on: a time ago (\"10m\", \"2h\"), or a time of the log (2026-01-31T12:00)")
TAKES(tail, SUMMARY, "a table of the outages: how long, how soon seen, what each cost; does not follow")
TAKES(tail, JSON, "lines as they stand in the log")
TAKES(tail, FOLLOW, "wait for more lines: the default")
TAKES(tail, NO_FOLLOW, "end at the end of the log")
TAKES(tail, LINES, "begin with that many of the past; 10, or all with --no-follow")
TAKES(tail, COLOR, "auto: when a terminal reads it")
EXAMPLE(tail, "holdfast tail /var/log/holdfast/failover.log")
EXAMPLE(tail, "holdfast tail --summary --since 24h -c /etc/holdfast/holdfast.conf")
EXAMPLE(tail, "holdfast tail --no-follow --json --event failover --member a failover.log")

SUBCOMMAND(replay, "replay", "[--json] FAILOVER-LOG...", "check that every decision in a failover log follows from what the log says", "Logs of several nodes may be given; - is standard input. A line for each fault: file, line, what does not follow; then the counts. Checked is that whoever stands before the chosen one in an order was skipped with a reason, that a failover leaves and a failback comes home, that a server has one rank for a session in one membership on all nodes, that who is skipped as down was seen going down, that outages add up, and that each node's lines are in the order of time.", "something does not follow")
TAKES(replay, JSON, "faults and counts as one JSON object")
EXAMPLE(replay, "holdfast replay /var/log/holdfast/failover.log")
EXAMPLE(replay, "holdfast replay --json node-a.log node-b.log node-c.log")

SUBCOMMAND(status, "status", "[-c FILE | --admin HOST:PORT] [--token-file FILE] [--json]", "what a running node says of itself", "", "the node gives no answer")
TAKES(status, CONFIG, "the node's configuration, for its admin address and token")
TAKES(status, ADMIN, "the node's admin address; 127.0.0.1:8081 when neither is said")
TAKES(status, TOKEN_FILE, "file with the token, where one is wanted")
TAKES(status, JSON, "all of it, as JSON")
EXAMPLE(status, "holdfast status -c /etc/holdfast/holdfast.conf")
EXAMPLE(status, "holdfast status --admin 10.0.0.1:8081 --token-file /etc/holdfast/admin.token --json")

SUBCOMMAND(members, "members", "[-c FILE | --admin HOST:PORT] [--token-file FILE] [--service NAME] [--json] [--epoch N] [ACTION OPERANDS]", "the members of a running node; or changes them, in the whole cluster", "Without an ACTION they are listed. With one, any node of a cluster may be asked: its master publishes the change as the next epoch, and all nodes take it over. add ID ORIGIN [KEY=VALUE...], set ID KEY=VALUE..., weight ID N, drain ID, maint ID, undrain ID, up ID, remove ID; KEY is origin, weight, connections_max, order, zone or node as in the configuration, an empty VALUE takes it back to its default. rank NODE N says who is preferred as master. publish, asked of the master, makes the members of its file the next epoch. readmit NODE, asked of that very node: its voter has lost the register that it keeps in state_dir, or that is damaged, and begins again with what a majority of the other voters tell; refused when fewer vote.", "the node gives no answer, has no such service, or the change was not made")
TAKES(members, CONFIG, "the node's configuration, for its admin address and token")
TAKES(members, ADMIN, "the node's admin address; 127.0.0.1:8081 when neither is said")
TAKES(members, TOKEN_FILE, "file with the token, where one is wanted")
TAKES(members, SERVICE, "those of this service")
TAKES(members, EPOCH, "the change is made against this epoch, or not at all")
TAKES(members, JSON, "as JSON: a list; of a change: its epoch")
EXAMPLE(members, "holdfast members -c /etc/holdfast/holdfast.conf")
EXAMPLE(members, "holdfast members -c /etc/holdfast/holdfast.conf add d 10.0.0.4:8080 weight=2 zone=hall2")
EXAMPLE(members, "holdfast members --admin 10.0.0.2:8081 drain a")
EXAMPLE(members, "holdfast members --admin 10.0.0.3:8081 readmit c")

SUBCOMMAND(drain, "drain", "[-c FILE | --admin HOST:PORT] [--token-file FILE] [--service NAME] [--json] ID", "a member gets no new sessions; those that live there stay", "A member is drained when its last request is over: drain_done in the failover log.", "there is no such member, or the node gives no answer")
TAKES(drain, CONFIG, "the node's configuration, for its admin address and token")
TAKES(drain, ADMIN, "the node's admin address; 127.0.0.1:8081 when neither is said")
TAKES(drain, TOKEN_FILE, "file with the token, where one is wanted")
TAKES(drain, SERVICE, "the service, when several have such a member")
TAKES(drain, JSON, "the answer as JSON")
EXAMPLE(drain, "holdfast drain -c /etc/holdfast/holdfast.conf a")

SUBCOMMAND(undrain, "undrain", "[-c FILE | --admin HOST:PORT] [--token-file FILE] [--service NAME] [--json] ID", "takes a drain back", "", "there is no such member, or the node gives no answer")
TAKES(undrain, CONFIG, "the node's configuration, for its admin address and token")
TAKES(undrain, ADMIN, "the node's admin address; 127.0.0.1:8081 when neither is said")
TAKES(undrain, TOKEN_FILE, "file with the token, where one is wanted")
TAKES(undrain, SERVICE, "the service, when several have such a member")
TAKES(undrain, JSON, "the answer as JSON")
EXAMPLE(undrain, "holdfast undrain -c /etc/holdfast/holdfast.conf a")

SUBCOMMAND(maint, "maint", "[-c FILE | --admin HOST:PORT] [--token-file FILE] [--service NAME] [--json] ID", "takes a member out: everybody goes elsewhere at once", "Requests that wait there and may be sent again are; what is streaming ends by itself.", "there is no such member, or the node gives no answer")
TAKES(maint, CONFIG, "the node's configuration, for its admin address and token")
TAKES(maint, ADMIN, "the node's admin address; 127.0.0.1:8081 when neither is said")
TAKES(maint, TOKEN_FILE, "file with the token, where one is wanted")
TAKES(maint, SERVICE, "the service, when several have such a member")
TAKES(maint, JSON, "the answer as JSON")
EXAMPLE(maint, "holdfast maint -c /etc/holdfast/holdfast.conf a")

SUBCOMMAND(up, "up", "[-c FILE | --admin HOST:PORT] [--token-file FILE] [--service NAME] [--json] ID", "takes drain or maint back", "What the checks say of the member counts again.", "there is no such member, or the node gives no answer")
TAKES(up, CONFIG, "the node's configuration, for its admin address and token")
TAKES(up, ADMIN, "the node's admin address; 127.0.0.1:8081 when neither is said")
TAKES(up, TOKEN_FILE, "file with the token, where one is wanted")
TAKES(up, SERVICE, "the service, when several have such a member")
TAKES(up, JSON, "the answer as JSON")
EXAMPLE(up, "holdfast up -c /etc/holdfast/holdfast.conf a")

SUBCOMMAND(reload, "reload", "[-c FILE | --admin HOST:PORT] [--token-file FILE] [--json]", "have a running node read its configuration again", "All of it is checked first; what is refused changes nothing.", "the configuration is refused, or the node gives no answer")
TAKES(reload, CONFIG, "the node's configuration, for its admin address and token")
TAKES(reload, ADMIN, "the node's admin address; 127.0.0.1:8081 when neither is said")
TAKES(reload, TOKEN_FILE, "file with the token, where one is wanted")
TAKES(reload, JSON, "the answer as JSON")
EXAMPLE(reload, "holdfast reload -c /etc/holdfast/holdfast.conf")

SUBCOMMAND(verify, "verify", "[-c FILE] [--service NAME] [--samples N] [--token-file FILE] [--json] [NODE NODE...]", "do running nodes agree? Says what differs", "Each NODE is an admin address, or with -c the id of one of cluster.nodes; none: all of these. Compared are epoch, versions of ordering and tag, the master, pools by their fingerprints, and the orders of some sample keys as each node computes them. Who gives no answer is said, and the others are compared.", "they differ, or one gives no answer")
TAKES(verify, CONFIG, "the cluster's configuration, for the nodes' admin addresses and their token")
TAKES(verify, SERVICE, "this service only")
TAKES(verify, SAMPLES, "sample keys of each service; 8")
TAKES(verify, TOKEN_FILE, "file with the token of all of them")
TAKES(verify, JSON, "as JSON")
EXAMPLE(verify, "holdfast verify 10.0.0.1:8081 10.0.0.2:8081")
EXAMPLE(verify, "holdfast verify -c /etc/holdfast/holdfast.conf --samples 100")

SUBCOMMAND(master, "master", "[--dead ID] [--follow] [--json] HOST:PORT...", "who is master of the cluster: asks any node, and has one elected if nobody is", "Nodes are asked in turn, at their listeners or admin addresses, until one names a master.", "nobody names a master, or no node gives an answer")
TAKES(master, DEAD, "this master does not answer: the node that is asked verifies it")
TAKES(master, FOLLOW, "go to the master that is named, until one says that it is the one; 3 times at most")
TAKES(master, JSON, "the whole answer, as JSON")
EXAMPLE(master, "holdfast master 10.0.0.1:8080 10.0.0.2:8080 10.0.0.3:8080")
EXAMPLE(master, "holdfast master --follow --json 10.0.0.1:8080 10.0.0.2:8080")

SUBCOMMAND(race, "race", "[--service NAME] [--limit MS] [--stagger MS] [--bind secret|address] [--open [--host NAME]] [--json] NODE NODE...", "ask several nodes at once who takes a new session: the first to offer wins", "Each NODE is HOST:PORT of its datagrams (cluster.nodes[].address). The winner's ticket opens one session, at its node, while it is fresh: shown as Holdfast-Ticket with the first request. A node whose member is not fit, full or draining is silent; a busy one answers later.", "nobody offers, or the session is not opened")
TAKES(race, SERVICE, "the service; may be absent when the nodes have one that gives tickets")
TAKES(race, LIMIT, "how long an offer is waited for, twice; 1000")
TAKES(race, STAGGER, "asks the nodes one after another, so far apart, for as long as nobody offers; 0: all at once")
TAKES(race, BIND, "what the ticket is bound to: a secret that is shown with it, or this machine's address; secret")
TAKES(race, OPEN, "open the session: GET / at the winner, with the ticket")
TAKES(race, HOST, "the Host of that request; the winner's address when it is absent")
TAKES(race, JSON, "as JSON, with the ticket")
EXAMPLE(race, "holdfast race 10.0.0.1:7946 10.0.0.2:7946 10.0.0.3:7946")
EXAMPLE(race, "holdfast race --service shop --open --json 10.0.0.1:7946 10.0.0.2:7946")

SUBCOMMAND(version, "version", "[--json]", "print the version", "", NULL)
TAKES(version, JSON, "with the versions of ordering and tag, as JSON")
EXAMPLE(version, "holdfast version")

#undef OPTION
#undef SUBCOMMAND
#undef TAKES
#undef EXAMPLE
