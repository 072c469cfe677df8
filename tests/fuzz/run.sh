#!/bin/sh
# run.sh: builds the fuzz targets with clang, ASan and UBSan, and runs each for a while.
#
#   tests/fuzz/run.sh [SECONDS [NAME...]]      default: 10 seconds, all
#
# NAME is request for tests/fuzz/fuzz_request.c; the Makefile names the files it links with. First
# the seeds in tests/fuzz/corpus/NAME, then SECONDS of mutation. What is found to be interesting
# stays in build/fuzz/corpus/NAME, what breaks in build/fuzz/crash/; two targets run at a time.
# Ends with "N passed, N failed"; a failed target's output is shown in full,
# and at the end once more what broke it, and the input.
set -eu
cd "$(dirname "$0")/../.."

seconds=${1:-10}
[ $# -gt 0 ] && shift
CC=${FUZZ_CC:-clang-14}
dir=build/fuzz
# The fuzz build is none of the outer make's business.
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES || true
fuzz_make() {
	make --no-print-directory "CC=$CC" "B=$dir" SAN=fuzzer-no-link,address,undefined WARN= "$@"
}

known=$(fuzz_make -s fuzz-names)
names=${*:-$known}
for file in tests/fuzz/fuzz_*.c; do
	name=${file##*/fuzz_}
	case " $known " in
	*" ${name%.c} "*) ;;
	*)
		echo "fuzz: the Makefile does not say what $file links with (FUZZ_${name%.c})" >&2
		exit 1
		;;
	esac
done
mkdir -p "$dir/crash" "$dir/log"
# shellcheck disable=SC2086
fuzz_make -j2 $(for n in $names; do echo "$dir/tests/fuzz/fuzz_$n"; done) >"$dir/log/build" 2>&1 || {
	cat "$dir/log/build"
	exit 1
}

export dir seconds
# shellcheck disable=SC2016,SC2086
printf '%s\n' $names | xargs -P 2 -I NAME sh -c '
	n=NAME
	mkdir -p "$dir/corpus/$n"
	seeds=
	[ -d "tests/fuzz/corpus/$n" ] && seeds=tests/fuzz/corpus/$n
	dict=
	[ -f "tests/fuzz/$n.dict" ] && dict=-dict=tests/fuzz/$n.dict
	if "$dir/tests/fuzz/fuzz_$n" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 \
	    -max_len=65536 -print_final_stats=1 -artifact_prefix="$dir/crash/$n-" $dict \
	    "$dir/corpus/$n" $seeds >"$dir/log/$n" 2>&1; then
		echo ok >"$dir/log/$n.verdict"
	else
		echo broken >"$dir/log/$n.verdict"
	fi'

passed=0
failed=0
broken=
for n in $names; do
	runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$dir/log/$n")
	if [ "$(cat "$dir/log/$n.verdict")" = ok ]; then
		echo "fuzz_$n: ${runs:-0} inputs, nothing broke"
		passed=$((passed + 1))
	else
		cat "$dir/log/$n"
		echo "fuzz_$n: broken, see $dir/crash/$n-*"
		failed=$((failed + 1))
		broken="$broken $n"
	fi
	rm -f "$dir/log/$n.verdict"
done
# Once more at the end, where somebody who has only the last lines finds it: what it was, and on what.
for n in $broken; do
	grep -aE '^(broken|SUMMARY|==[0-9]+== ?ERROR|Base64|.*runtime error)' "$dir/log/$n" |
		cut -c 1-2000 | sed "s/^/fuzz_$n: /"
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
