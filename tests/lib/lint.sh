#!/bin/sh
# lint.sh: clang-format, clang-tidy and cppcheck over every C file of ours, gcc -fanalyzer over the
# pure ones of hashring and proxy.
#
#   tests/lib/lint.sh [--fix | format | tidy | cppcheck | analyzer] [FILE...]   default: all, all files
#
# --fix runs clang-format over the tree instead. Exit 1 when anything is unclean. CPPFLAGS come from
# the Makefile. .clang-tidy says which checks and why not the others; a suppression in the code
# (NOLINT, cppcheck-suppress) names the check and the reason.
set -eu
cd "$(dirname "$0")/../.."

what=all
case "${1:-}" in
--fix | format | tidy | cppcheck | analyzer)
	what=$1
	shift
	;;
esac
: "${CPPFLAGS:=-D_GNU_SOURCE -Iinclude -Iproxy -isystem /usr/share/include/llhttp}"
export CPPFLAGS

if [ $# -gt 0 ]; then
	sources=$(printf '%s\n' "$@")
else
	sources=$(find hashring include proxy tests -name '*.[ch]' | sort)
fi
units=$(printf '%s\n' "$sources" | grep '\.c$' || true)
jobs=$(nproc 2>/dev/null || echo 2)
unclean=

if [ "$what" = --fix ]; then
	printf '%s\n' "$sources" | xargs clang-format -i
	exit 0
fi

# include/tbl/ is left out: a row of a table is one line, whatever its length.
if [ "$what" = all ] || [ "$what" = format ]; then
	echo "clang-format"
	printf '%s\n' "$sources" | grep -v '^include/tbl/' | xargs clang-format --dry-run -Werror ||
		unclean="$unclean clang-format"
fi

if [ "$what" = all ] || [ "$what" = tidy ]; then
	echo "clang-tidy"
	# shellcheck disable=SC2016
	printf '%s\n' "$units" | xargs -P "$jobs" -n 1 sh -c '
		clang-tidy --quiet "$0" -- $CPPFLAGS -Itests -std=c17 2>/tmp/holdfast-tidy.$$ ||
			{ cat /tmp/holdfast-tidy.$$; rm -f /tmp/holdfast-tidy.$$; exit 1; }
		rm -f /tmp/holdfast-tidy.$$' || unclean="$unclean clang-tidy"
fi

if [ "$what" = all ] || [ "$what" = cppcheck ]; then
	echo "cppcheck"
	mkdir -p build/cppcheck
	# shellcheck disable=SC2086
	cppcheck --quiet --std=c11 --language=c --enable=warning,performance,portability \
	    --inline-suppr --error-exitcode=1 -j "$jobs" --cppcheck-build-dir=build/cppcheck \
	    --suppress=missingIncludeSystem -D__x86_64__ -D_GNU_SOURCE -Iinclude -Iproxy -Itests \
	    $units || unclean="$unclean cppcheck"
fi

# Without the files that include libevent: there is nothing to follow behind its calls. It does not see
# that what is stored in an element of a list, in a letter, or through a row's offset, has an owner that frees
# it, nor that what was stored through a row's offset, or beside a member by which its owner is found, is there:
# such files are named here, and go without that one warning.
if [ "$what" = all ] || [ "$what" = analyzer ]; then
	echo "gcc -fanalyzer"
	# shellcheck disable=SC2016
	printf '%s\n' "$units" | grep -E '^(hashring|proxy)/' | grep -v '_ev\.c$' |
		xargs -r -P "$jobs" -n 1 sh -c '
		no=
		case $0 in
		proxy/base/handover.c | proxy/members/membership.c | proxy/members/names.c | proxy/node/question.c | \
			proxy/relay/mirror.c | proxy/relay/upstream.c | proxy/route/entrance.c | proxy/tls/context.c)
			no=-Wno-analyzer-malloc-leak ;;
		proxy/edge/client_out.c | proxy/edge/h2_connection.c) no=-Wno-analyzer-use-of-uninitialized-value ;;
		proxy/config/*) no="-Wno-analyzer-malloc-leak -Wno-analyzer-use-of-uninitialized-value" ;;
		esac
		gcc -fanalyzer -Werror -std=c17 -O1 $CPPFLAGS $no -c "$0" -o /dev/null' ||
		unclean="$unclean analyzer"
fi

if [ -n "$unclean" ]; then
	echo "unclean:$unclean"
	exit 1
fi
echo "clean"
