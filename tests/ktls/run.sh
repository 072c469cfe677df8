#!/bin/sh
# run.sh: TLS whose records the kernel makes (kTLS), on a kernel that has it: Debian's, in an
# emulator, whatever kernel this machine runs; what `make ktls` runs.
#
#   tests/ktls/run.sh BUILD      BUILD: with holdfast and tests/bench/{load,origin}
#
# The emulated machine has Holdfast, the origins and clients of the benches and curl, no network and
# no disk (init). About two minutes, ten at most. Exit 0 and "ktls: ok" when all of it was seen:
# the kernel sent for TLS connections, bodies went by splice(2), and what came was right.
set -eu

build=${1:?usage: tests/ktls/run.sh BUILD}
here=$(dirname "$0")
dir=$build/ktls
limit_s=600

fail() {
	echo "ktls: $1" >&2
	exit 1
}

kernel() { # unpacked, not installed
	package=$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/.*Depends: \(linux-image-[^ ]*\).*/\1/p')
	[ -n "$package" ] || fail "no package of a kernel is known"
	(cd "$dir" && apt-get -q download "$package" >download.log 2>&1) || fail "$package: no download, see $dir/download.log"
	dpkg -x "$dir/$package"_*.deb "$dir/kernel"
	version=${package#linux-image-}
}

modules() { # what AES-GCM and TLS take
	from=$dir/kernel/lib/modules/$version
	to=$dir/root/lib/modules/$version
	mkdir -p "$to/kernel/net" "$to/kernel/arch/x86"
	cp -r "$from/kernel/crypto" "$from/kernel/lib" "$to/kernel/"
	cp -r "$from/kernel/net/tls" "$to/kernel/net/"
	cp -r "$from/kernel/arch/x86/crypto" "$to/kernel/arch/x86/"
	cp "$from/modules.builtin" "$from/modules.order" "$to/"
	/sbin/depmod -b "$dir/root" "$version" 2>"$dir/depmod.log"
}

programs() {
	cp "$(command -v busybox)" "$build/holdfast" "$build/tests/bench/load" "$build/tests/bench/origin" \
	    "$(command -v curl)" "$(command -v strace)" "$dir/root/bin/"
	for p in "$dir"/root/bin/*; do
		ldd "$p" 2>/dev/null | grep -o '/[^ ]*\.so[^ ]*' || true
	done | sort -u | while read -r lib; do
		mkdir -p "$dir/root$(dirname "$lib")"
		cp -L "$lib" "$dir/root$lib"
	done
}

configuration() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$dir/key" -out "$dir/root/work/ca.pem" \
	    -days 30 -subj /CN=bench.test -addext subjectAltName=DNS:bench.test >"$dir/openssl.log" 2>&1
	(umask 077 && cat "$dir/root/work/ca.pem" "$dir/key" >"$dir/root/work/pem")
	sed -e 's/@PORT@/8080/; s/@TLS@/8443/; s#@PEM@#/work/pem#g; s#@DIR@#/state#g' \
	    -e 's/@ORIGIN1@/9001/; s/@ORIGIN2@/9002/; s/@ORIGIN3@/9003/' "$here/../bench/holdfast.conf" >"$dir/root/work/holdfast.conf"
}

rm -rf "$dir"
for d in bin proc sys dev tmp work state; do
	mkdir -p "$dir/root/$d"
done
kernel
modules
programs
configuration
install -m 755 "$here/init" "$dir/root/init"
(cd "$dir/root" && find . | cpio -o -H newc 2>/dev/null | gzip -1) >"$dir/initrd"
timeout "$limit_s" qemu-system-x86_64 -cpu max -m 1024 -nographic -no-reboot -net none -kernel "$dir/kernel/boot/vmlinuz-$version" \
    -initrd "$dir/initrd" -append "console=ttyS0 quiet panic=-1 no_timer_check" </dev/null >"$dir/console" 2>&1 || fail "the machine did not end, see $dir/console"
grep -a '^ktls: ' "$dir/console" | tr -d '\r'
grep -aq '^ktls: ok' "$dir/console" || fail "not all was seen, see $dir/console"
