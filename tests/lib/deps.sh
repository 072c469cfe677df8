#!/bin/sh
# deps.sh: install what a make target needs on a bare Debian 12, and nothing else.
#
#   tests/lib/deps.sh build|demo|test|lint|bench|ktls|model|package|scan
#
# Says what it installs. Silent, and one dpkg-query long, when nothing is missing. Exit 1 with one
# line when it cannot. HOLDFAST_NO_DEPS=1 in the environment: trust the caller, check nothing.
# The packages' own services (haproxy, nginx, varnish, etcd, prometheus) are neither started nor enabled: the tests
# start such programs themselves, on ports of their own.
set -eu

build="gcc make libc6-dev libevent-dev libxxhash-dev libconfig-dev libsodium-dev libpcre2-dev libjansson-dev libssl-dev libc-ares-dev libnghttp2-dev libseccomp-dev node-llhttp"
demo="$build python3 curl"
fuzz="clang-14 libclang-rt-14-dev"
model="gcc libc6-dev python3 spin"
lint="$build libcmocka-dev clang-format clang-tidy cppcheck"
bench="$build python3 haproxy nginx nghttp2-client openssl strace valgrind"
ktls="$build busybox cpio curl kmod openssl qemu-system-x86 strace"
package="$build build-essential debhelper dpkg-dev"
# Some distributions of Node have npm in one package with it: then it is there.
page="chromium nodejs"
command -v npm >/dev/null 2>&1 || page="$page npm"
test="$demo $package $page etcd-server fish g++ libcmocka-dev man-db nghttp2-client pkgconf prometheus python3-h2 systemd varnish $fuzz spin sslscan tmux valgrind zsh"

scan="$build python3 openssl sslscan testssl.sh"

[ "${HOLDFAST_NO_DEPS:-0}" = 1 ] && exit 0
case "${1:-}" in
build) want=$build ;;
demo) want=$demo ;;
test) want=$test ;;
lint) want=$lint ;;
bench) want=$bench ;;
ktls) want=$ktls ;;
package) want=$package ;;
model) want=$model ;;
scan) want=$scan ;;
*)
	echo "usage: tests/lib/deps.sh build|demo|test|lint|bench|ktls|model|package|scan" >&2
	exit 2
	;;
esac

fail() {
	echo "deps: $1" >&2
	exit 1
}

command -v dpkg-query >/dev/null 2>&1 ||
	fail "not a Debian system; install by hand and set HOLDFAST_NO_DEPS=1: $want"

# dpkg-query complains about names it never heard of; those are missing as well.
# shellcheck disable=SC2086
have=$(dpkg-query -W -f='${Package}=${db:Status-Status}\n' $want 2>/dev/null || true)
missing=
for p in $want; do
	case "
$have
" in
	*"
$p=installed
"*) ;;
	*) missing="$missing $p" ;;
	esac
done
[ -z "$missing" ] && exit 0

root=
if [ "$(id -u)" != 0 ]; then
	command -v sudo >/dev/null 2>&1 || fail "not root and no sudo; missing:$missing"
	root=sudo
fi
command -v apt-get >/dev/null 2>&1 || fail "no apt-get; missing:$missing"

log=$(mktemp)
policy=/usr/sbin/policy-rc.d
mine=
clean() {
	rm -f "$log"
	[ -z "$mine" ] || $root rm -f "$policy"
}
trap clean EXIT
trap 'exit 1' HUP INT TERM

# While we install, invoke-rc.d starts nothing (101: action forbidden by policy).
if [ ! -e "$policy" ]; then
	mine=1
	printf '#!/bin/sh\nexit 101\n' | $root tee "$policy" >/dev/null
	$root chmod 755 "$policy"
fi

apt() {
	$root env DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 apt-get -y -q \
	    -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 "$@" </dev/null >>"$log" 2>&1
}
install() {
	# shellcheck disable=SC2086
	apt install --no-install-recommends $missing
}

echo "deps: installing$missing"
# Package lists may be absent or older than the mirror: refresh them, unless that fails and the
# old ones do.
apt update || echo "deps: apt-get update failed, trying with the lists at hand" >&2
if ! install; then
	tail -n 20 "$log" >&2
	fail "apt-get could not install:$missing"
fi

# Not at the next boot either.
if [ -d /run/systemd/system ] && command -v systemctl >/dev/null 2>&1; then
	for p in $missing; do
		case $p in
		haproxy | nginx | varnish | etcd-server | prometheus)
			$root systemctl disable --now "${p%-server}" >/dev/null 2>&1 || true
			;;
		esac
	done
fi
