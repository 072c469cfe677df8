/* subcommands.h: SUBCOMMAND(name, usage, help): argv[1] to function cli_<name>. */
SUBCOMMAND(run, "run -c FILE", "run a node in the foreground")
SUBCOMMAND(check, "check -c FILE", "check a configuration and say everything that is wrong with it")
SUBCOMMAND(explain, "explain -c FILE [--service NAME] [--down ID,ID...] [--primary ID] [--last ID] [--digest] [--json] KEY | --keys-file FILE", "say where a session key goes, and why")
SUBCOMMAND(tail, "tail [-c FILE | FILE] [--service NAME] [--session HEX] [--member ID] [--event NAME,NAME...] [--json] [--no-follow] [-n LINES] [--color auto|always|never]", "follow the failover log")
SUBCOMMAND(version, "version", "print the version")
