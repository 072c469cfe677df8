#!/bin/sh
# demo.sh: three sample servers and Holdfast before them, on this machine.
#
#   tests/demo/demo.sh            starts them, says what to try, ends with Ctrl-C
#   tests/demo/demo.sh --script   tries it itself and checks what it sees; exit status 0: all well
#
# Everything it writes is in build/demo/. What it started it stops, by process id.
set -eu
cd "$(dirname "$0")/../.."

where=build/demo
url=http://127.0.0.1:8080/
script=
[ "${1:-}" = --script ] && script=1
pids=
holdfast=

fail() {
	echo "demo: FAILED: $1" >&2
	exit 1
}

stop() {
	status=$?
	trap - EXIT INT TERM HUP
	# shellcheck disable=SC2086
	[ -z "$pids" ] || kill $pids 2>/dev/null || true
	wait
	exit "$status"
}

taken() {
	python3 - "$@" <<'END'
import socket, sys
for port in map(int, sys.argv[1:]):
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind(("127.0.0.1", port))
        except OSError:
            print(f"127.0.0.1:{port}")
END
}

tests/lib/deps.sh demo
echo "demo: building"
"${MAKE:-make}" --no-print-directory -s -j2 build/holdfast

busy=$(taken 8080 8081 9001 9002 9003 | tr '\n' ' ')
[ -z "$busy" ] || {
	echo "demo: another program listens on ${busy% }; stop it first" >&2
	exit 1
}

mkdir -p "$where"
rm -f "$where"/*.log "$where"/cookies "$where"/pid.*
trap stop EXIT
trap 'exit 0' INT TERM HUP

start_server() {
	python3 tests/demo/server.py "$1" >>"$where/server-$1.log" 2>&1 &
	echo $! >"$where/pid.$1"
	pids="$pids $!"
}

wait_for() { # answers, while the process with this id lives; else its log is shown
	tries=0
	until curl -s -f -o /dev/null -m 5 "$1"; do
		tries=$((tries + 1))
		kill -0 "$2" 2>/dev/null || {
			cat "$3" >&2
			fail "no server for $1"
		}
		[ "$tries" -lt 100 ] || fail "no answer from $1"
		sleep 0.1
	done
}

for id in a b c; do
	start_server "$id"
done
# Holdfast checks its members at once when it starts.
wait_for http://127.0.0.1:9001/healthz "$(cat "$where/pid.a")" "$where/server-a.log"
wait_for http://127.0.0.1:9002/healthz "$(cat "$where/pid.b")" "$where/server-b.log"
wait_for http://127.0.0.1:9003/healthz "$(cat "$where/pid.c")" "$where/server-c.log"
build/holdfast run -c conf/demo.conf >"$where/holdfast.log" 2>&1 &
holdfast=$!
pids="$pids $holdfast"

ask() { # prints the answer of one request of our session
	curl -sS -f -m 20 -c "$where/cookies" -b "$where/cookies" "$url"
}

wait_for "$url" "$holdfast" "$where/holdfast.log"

if [ -z "$script" ]; then
	cat <<END

Three servers (a, b, c) on 127.0.0.1:9001 to 9003, Holdfast on 127.0.0.1:8080. In another terminal:

  cd $PWD
  curl -c cookies -b cookies $url   # again and again: a counter that grows, at one server
  kill -9 \$(cat $where/pid.a)                  # or pid.b, pid.c: the one that answered
  curl -c cookies -b cookies $url   # the counter goes on, at the backup
  build/holdfast tail -c conf/demo.conf            # who moved where, and why
  build/holdfast members                           # how they are; http://127.0.0.1:8081/ shows the same
  python3 tests/demo/server.py a                   # brings the server back

Logs are in $where/. Ctrl-C ends it all.
END
	wait "$holdfast" || fail "Holdfast ended; see $where/holdfast.log"
	exit 0
fi

# ---- the same by itself --------------------------------------------------------------------------

field() { # field N of "session S: request R, served by X (primary P...)"
	printf '%s\n' "$2" | tr -d ':,()' | cut -d ' ' -f "$1"
}

expect() { # what should be seen, the answer, the count, the server or !server
	echo "  $2"
	[ "$(field 4 "$2")" = "$3" ] || fail "$1: request $(field 4 "$2") instead of $3"
	case $4 in
	!*) [ "$(field 7 "$2")" != "${4#!}" ] || fail "$1: still served by ${4#!}" ;;
	*) [ "$(field 7 "$2")" = "$4" ] || fail "$1: served by $(field 7 "$2") instead of $4" ;;
	esac
}

logged() { # waits until a line with all these patterns stands in the failover log
	tries=0
	while [ "$tries" -lt 300 ]; do
		lines=$(cat "$where/failover.log" 2>/dev/null || true)
		for pattern; do
			lines=$(printf '%s\n' "$lines" | grep -e "$pattern" || true)
		done
		[ -z "$lines" ] || return 0
		tries=$((tries + 1))
		sleep 0.1
	done
	fail "no line in $where/failover.log with $*"
}

echo "demo: one session, three requests"
answer=$(ask) || fail "no answer"
session=$(field 2 "$answer")
home=$(field 7 "$answer")
expect "first request" "$answer" 1 "$home"
for n in 2 3; do
	expect "request $n" "$(ask)" "$n" "$home"
done

echo "demo: server $home, where it lives, is killed"
kill -9 "$(cat "$where/pid.$home")"
answer=$(ask) || fail "the outage was seen by the client"
expect "first request after the kill" "$answer" 4 "!$home"
backup=$(field 7 "$answer")
[ "$(field 2 "$answer")" = "$session" ] || fail "another session"
[ "$(field 9 "$answer")" = "$home" ] || fail "another primary"
expect "second request after the kill" "$(ask)" 5 "$backup"

echo "demo: what the failover log says"
logged '"event":"failover"' "\"session\":\"$session\"" "\"primary\":\"$home\"" "\"chosen\":\"$backup\""
logged '"event":"member_down"' "\"member\":\"$home\""
build/holdfast tail --no-follow --session "$session" "$where/failover.log" | sed 's/^/  /'

echo "demo: server $home comes back; the session stays where its state is (failback = \"stay\")"
start_server "$home"
logged '"event":"outage_summary"' "\"member\":\"$home\"" '"sessions_moved":1,' '"requests_failed":0,'
expect "after the outage" "$(ask)" 6 "$backup"

echo "demo: ok: 6 requests, one server killed, no error seen, no count lost"
