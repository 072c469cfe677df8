#!/bin/sh
# cluster.sh: three nodes of conf/cluster-3 with a sample server beside each, on this machine.
#
#   tests/demo/cluster.sh            starts them, says what to try, ends with Ctrl-C
#   tests/demo/cluster.sh --script   tries it itself and checks what it sees; exit status 0: all well
#
# Everything it writes is in build/cluster-3/. What it started it stops, by process id.
set -eu
cd "$(dirname "$0")/../.."

where=build/cluster-3
script=
[ "${1:-}" = --script ] && script=1
pids=

fail() {
	echo "demo-cluster: FAILED: $1" >&2
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

tests/lib/deps.sh demo
make --no-print-directory -s build/holdfast
mkdir -p "$where"
rm -rf "$where"/*.log "$where"/cookies "$where"/pid.* "$where"/a "$where"/b "$where"/c
(umask 077 && head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n' >"$where/secret")
trap stop EXIT
trap 'exit 0' INT TERM HUP

port() { # of node or server a, b, c: the last digit
	printf %s "$1" | tr abc 123
}

start_server() {
	python3 tests/demo/server.py "$1" >>"$where/server-$1.log" 2>&1 &
	echo $! >"$where/pid.server-$1"
	pids="$pids $!"
}

start_node() {
	build/holdfast run -c "conf/cluster-3/$1.conf" >>"$where/node-$1.log" 2>&1 &
	echo $! >"$where/pid.node-$1"
	pids="$pids $!"
}

wait_for() { # what, URL, log
	tries=0
	until curl -s -f -o /dev/null -m 5 "$2"; do
		tries=$((tries + 1))
		[ "$tries" -lt 150 ] || {
			cat "$3" >&2
			fail "$1 gives no answer"
		}
		sleep 0.1
	done
}

for id in a b c; do
	start_server "$id"
done
for id in a b c; do
	wait_for "server $id" "http://127.0.0.1:900$(port $id)/healthz" "$where/server-$id.log"
	start_node "$id"
done
for id in a b c; do
	wait_for "node $id" "http://127.0.0.1:808$(port $id)/" "$where/node-$id.log"
done

# A node that started first found the others' members away: until they are seen, a server is told to
# copy its sessions elsewhere than where they will go.
all_up() { # node
	tries=0
	while build/holdfast members --admin "127.0.0.1:818$(port "$1")" --json | grep -q '"state": *"\(down\|suspect\)"'; do
		tries=$((tries + 1))
		[ "$tries" -lt 150 ] || fail "node $1 does not see all members"
		sleep 0.1
	done
}
for id in a b c; do
	all_up "$id"
done

if [ -z "$script" ]; then
	cat <<END

Three nodes (a, b, c) on 127.0.0.1:8081 to 8083, a server beside each (9001 to 9003). In another terminal:

  cd $PWD
  build/holdfast master 127.0.0.1:8081 127.0.0.1:8082       # who is master; any node answers
  curl -c cookies -b cookies http://127.0.0.1:8081/         # any node takes any request:
  curl -c cookies -b cookies http://127.0.0.1:8083/         # the session's counter goes on
  kill -9 \$(cat $where/pid.node-a) \$(cat $where/pid.server-a)   # a machine is gone
  curl -c cookies -b cookies http://127.0.0.1:8082/         # the counter goes on
  build/holdfast master 127.0.0.1:8082 127.0.0.1:8083
  build/holdfast status --admin 127.0.0.1:8182
  build/holdfast run -c conf/cluster-3/a.conf               # brings the node back

Logs are in $where/. Ctrl-C ends it all.
END
	wait
	exit 0
fi

# ---- the same by itself --------------------------------------------------------------------------

ask() { # node: prints the answer of one request of our session there
	curl -sS -f -m 20 -c "$where/cookies" -b "$where/cookies" "http://127.0.0.1:808$(port "$1")/"
}

field() { # field N of "session S: request R, served by X (primary P...)"
	printf '%s\n' "$2" | tr -d ':,()' | cut -d ' ' -f "$1"
}

nodes_but() { # addresses of the nodes but this one
	for id in a b c; do
		[ "$id" = "$1" ] || printf '127.0.0.1:808%s ' "$(port $id)"
	done
}

wait_master() { # not this one: prints who is
	tries=0
	while :; do
		# shellcheck disable=SC2046
		answer=$(build/holdfast master $(nodes_but "$1") 2>/dev/null || true)
		id=${answer%% *}
		[ -n "$id" ] && [ "$id" != "$1" ] && break
		tries=$((tries + 1))
		[ "$tries" -lt 300 ] || fail "no other master than $1"
		sleep 0.1
	done
	printf '%s\n' "$answer"
}

echo "demo-cluster: who is master"
answer=$(wait_master none)
master=${answer%% *}
echo "  $answer"

echo "demo-cluster: a session that lives beside the master, one request through each node"
tries=0
home=
while [ "$home" != "$master" ]; do
	rm -f "$where/cookies"
	answer=$(ask a) || fail "no answer of node a"
	home=$(field 7 "$answer")
	tries=$((tries + 1))
	[ "$tries" -lt 200 ] || fail "no session began at $master"
done
echo "  node a: $answer"
count=1
for id in b c; do
	answer=$(ask $id) || fail "no answer of node $id"
	count=$((count + 1))
	echo "  node $id: $answer"
	[ "$(field 4 "$answer")" = "$count" ] || fail "request $(field 4 "$answer") instead of $count"
done

echo "demo-cluster: that machine dies: node $master and server $master are killed"
kill -9 "$(cat "$where/pid.node-$master")" "$(cat "$where/pid.server-$master")"
for id in a b c; do
	[ "$id" != "$master" ] || continue
	answer=$(ask $id) || fail "the outage was seen by a client of node $id"
	count=$((count + 1))
	echo "  node $id: $answer"
	[ "$(field 4 "$answer")" = "$count" ] || fail "request $(field 4 "$answer") instead of $count"
	[ "$(field 7 "$answer")" != "$home" ] || fail "still served by $home"
done
answer=$(wait_master "$master")
echo "  $answer"

echo "demo-cluster: both come back; the master stays who it is (preempt = \"off\")"
second=${answer%% *}
start_server "$home"
start_node "$master"
wait_for "node $master" "http://127.0.0.1:808$(port "$master")/" "$where/node-$master.log"
answer=$(build/holdfast master "127.0.0.1:808$(port "$master")") || answer=$(wait_master "$master")
[ "${answer%% *}" = "$second" ] || fail "another master: $answer"
echo "  $answer"

echo "demo-cluster: ok: $count requests, a node and a server killed, no error seen, no count lost"
