#!/bin/sh
# install.sh: puts what was built where the Filesystem Hierarchy Standard wants it; `make install`.
#
#   packaging/install.sh BUILD
#
# DESTDIR, PREFIX (/usr/local), LIBDIR (PREFIX/lib), SYSCONFDIR (/etc), STATEDIR (/var/lib), LOGDIR
# (/var/log) in the environment. A configuration that is there already is left alone. Says each file.
set -eu

build=$1
dest=${DESTDIR:-}
prefix=${PREFIX:-/usr/local}
sysconf=${SYSCONFDIR:-/etc}
state=${STATEDIR:-/var/lib}
logs=${LOGDIR:-/var/log}
share=$prefix/share
# What systemd, logrotate and sysusers read stands in fixed places, but beside a prefix of its own.
lib=$prefix/lib
# Libraries, which some have in a folder for each architecture.
libdir=${LIBDIR:-$prefix/lib}
version=$(sed -n 's/^#define HOLDFAST_VERSION  *"\(.*\)"$/\1/p' include/vocab.h)

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

put() { # MODE FROM TO
	install -D -m "$1" "$2" "$dest$3"
	echo "$3"
}

# The same with the places filled in.
put_filled() { # FROM TO
	sed -e "s#@BINDIR@#$prefix/bin#g" -e "s#@SYSCONFDIR@#$sysconf#g" -e "s#@STATEDIR@#$state#g" \
	    -e "s#@LOGDIR@#$logs#g" -e "s#@PREFIX@#$prefix#g" -e "s#@LIBDIR@#$libdir#g" \
	    -e "s#@VERSION@#$version#g" "$1" >"$scratch/filled"
	put 644 "$scratch/filled" "$2"
}

put_packed() { # FROM TO
	gzip -9nc "$1" >"$scratch/packed"
	put 644 "$scratch/packed" "$2.gz"
}

# A guide, without links to what is in the source alone.
put_guide() { # FROM TO
	sed -E 's#\[([^]]*)\]\((\.\./)*(Makefile|CHANGELOG\.md|include/|tests/(README|claims)\.md|tests/library/|race_wire\.h)[^)]*\)#\1#g' \
	    "$1" >"$scratch/guide"
	put 644 "$scratch/guide" "$2"
}

put 755 "$build/holdfast" "$prefix/bin/holdfast"

# Leases inside an application.
put 644 include/holdfast/lease.h "$prefix/include/holdfast/lease.h"
put 644 "$build/libholdfast-lease.a" "$libdir/libholdfast-lease.a"
put_filled packaging/holdfast-lease.pc "$libdir/pkgconfig/holdfast-lease.pc"
put 644 tests/library/leader.c "$share/doc/holdfast/examples/leader.c"

for page in holdfast.1 holdfast.conf.5 holdfast-logs.5; do
	put_packed "$build/pages/$page" "$share/man/man${page##*.}/$page"
done
for page in packaging/man/*.7; do
	put_packed "$page" "$share/man/man7/${page##*/}"
done

put 644 "$build/pages/holdfast.bash" "$share/bash-completion/completions/holdfast"
put 644 "$build/pages/_holdfast" "$share/zsh/vendor-completions/_holdfast"
put 644 "$build/pages/holdfast.fish" "$share/fish/vendor_completions.d/holdfast.fish"

put_filled packaging/holdfast.service "$lib/systemd/system/holdfast.service"
put_filled packaging/holdfast.sysusers "$lib/sysusers.d/holdfast.conf"
put_filled packaging/holdfast.logrotate "$sysconf/logrotate.d/holdfast"

# Guides stand as they do in the tree, so that their links lead on; what is of conf/ stands beside them,
# where examples are looked for.
for file in README.md SECURITY.md conf/README.md proxy/cluster/README.md tests/bench/README.md hashring/SPEC.md; do
	put_guide "$file" "$share/doc/holdfast/$file"
done
put 644 conf/holdfast.conf "$share/doc/holdfast/conf/holdfast.conf"
for file in conf/examples/*.conf conf/cluster-3/*.conf conf/observe/*; do
	put 644 "$file" "$share/doc/holdfast/${file#conf/}"
done
for folder in examples cluster-3 observe; do
	ln -sfn "../$folder" "$dest$share/doc/holdfast/conf/$folder"
done

# As it is shown, but with its logs in files: `holdfast tail -c` finds them.
if [ -z "$dest" ] && [ -e "$sysconf/holdfast/holdfast.conf" ]; then
	echo "$sysconf/holdfast/holdfast.conf is there already, and stays"
else
	sed -e "s|# failover = \"/var/log|failover = \"$logs|" -e "s|# access = \"/var/log|access = \"$logs|" \
	    conf/holdfast.conf >"$scratch/conf"
	put 640 "$scratch/conf" "$sysconf/holdfast/holdfast.conf"
fi
