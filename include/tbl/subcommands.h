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
OPTION(PRIMARY, 0, "primary", "ID")
OPTION(LAST, 0, "last", "ID")
OPTION(DIGEST, 0, "digest", NULL)
OPTION(KEYS_FILE, 0, "keys-file", "FILE")
OPTION(SESSION, 0, "session", "HEX")
OPTION(MEMBER, 0, "member", "ID")
OPTION(EVENT, 0, "event", "NAME,NAME...")
OPTION(FOLLOW, 'f', "follow", NULL)
OPTION(NO_FOLLOW, 0, "no-follow", NULL)
OPTION(LINES, 'n', "lines", "LINES")
OPTION(COLOR, 0, "color", "WHEN")

SUBCOMMAND(run, "run", "-c FILE", "run a node in the foreground", "", "it could not start, or ended by an error")
TAKES(run, CONFIG, "its configuration")
EXAMPLE(run, "holdfast run -c /etc/holdfast/holdfast.conf")

SUBCOMMAND(check, "check", "-c FILE [--json]", "check a configuration and say everything that is wrong with it", "Findings go to stderr, a line each with file, line, path, value and reason; with --json to stdout.", NULL)
TAKES(check, CONFIG, "the configuration")
TAKES(check, JSON, "findings and counts as one JSON object")
EXAMPLE(check, "holdfast check -c conf/demo.conf")

SUBCOMMAND(explain, "explain", "-c FILE [--service NAME] [--down ID,ID...] [--primary ID] [--last ID] [--digest] [--json] KEY | --keys-file FILE", "say where a session key goes, and why", "The same decision that a node makes, from the configuration alone. A key that begins with '-' stands behind \"--\".", "no member would serve it")
TAKES(explain, CONFIG, "the configuration")
TAKES(explain, SERVICE, "the service; may be absent when there is one")
TAKES(explain, DOWN, "as if these members were down")
TAKES(explain, PRIMARY, "as if the session's tag named this primary")
TAKES(explain, LAST, "as if the session was served last by this member")
TAKES(explain, DIGEST, "KEY is a session digest: 32 hex digits, as in Holdfast-Session")
TAKES(explain, KEYS_FILE, "a key a line, - for standard input; a line each: key, digest, primary, chosen, with tabs between")
TAKES(explain, JSON, "as JSON; with --keys-file an object a line")
EXAMPLE(explain, "holdfast explain -c conf/demo.conf --down a alice")
EXAMPLE(explain, "holdfast explain -c conf/demo.conf --digest 56b25ba9d748dddb065ed0a260ae5182")

SUBCOMMAND(tail, "tail", "[-c FILE | FILE] [--service NAME] [--session HEX] [--member ID] [--event NAME,NAME...] [--json] [--no-follow] [-n LINES] [--color WHEN]", "follow the failover log", "FILE is the log; with -c the one that the configuration names. Follows a log that is rotated.", "the log cannot be read")
TAKES(tail, CONFIG, "the configuration that names the log")
TAKES(tail, SERVICE, "lines of this service only")
TAKES(tail, SESSION, "lines of sessions whose digest begins so")
TAKES(tail, MEMBER, "lines that name this member")
TAKES(tail, EVENT, "lines of these events")
TAKES(tail, JSON, "lines as they stand in the log")
TAKES(tail, FOLLOW, "wait for more lines: the default")
TAKES(tail, NO_FOLLOW, "end at the end of the log")
TAKES(tail, LINES, "begin with that many of the past; 10, or all with --no-follow")
TAKES(tail, COLOR, "auto, always or never")
EXAMPLE(tail, "holdfast tail /var/log/holdfast/failover.log")
EXAMPLE(tail, "holdfast tail --no-follow --json --event failover --member a failover.log")

SUBCOMMAND(version, "version", "[--json]", "print the version", "", NULL)
TAKES(version, JSON, "with the versions of ordering and tag, as JSON")
EXAMPLE(version, "holdfast version")

#undef OPTION
#undef SUBCOMMAND
#undef TAKES
#undef EXAMPLE
