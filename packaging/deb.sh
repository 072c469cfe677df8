#!/bin/sh
# deb.sh: builds the Debian package from a copy of the tree; `make deb`.
#
#   packaging/deb.sh BUILD
#
# The package is BUILD/deb/holdfast_VERSION_ARCH.deb; the last line says so, the one before it names
# the library's, libholdfast-lease-dev. HOLDFAST_BUILT: an
# absolute directory that has been built already, for a test that need not compile it again.
set -eu

build=$1
out=$build/deb
version=$(sed -n 's/^#define HOLDFAST_VERSION  *"\(.*\)"$/\1/p' include/vocab.h)
source=$out/holdfast-$version

rm -rf "$out"
mkdir -p "$source"
# Neither what was built nor what the version control keeps.
tar -c --exclude=./build --exclude="./build-*" --exclude=./.git . | tar -x -C "$source"
cp -r packaging/debian "$source/debian"
cat >"$source/debian/changelog" <<CHANGES
holdfast ($version) unstable; urgency=medium

  * As CHANGELOG.md says.

 -- The Holdfast developers <packages@holdfast.example>  $(date -R -d "@${SOURCE_DATE_EPOCH:-$(date +%s)}")
CHANGES
(cd "$source" && dpkg-buildpackage -b -us -uc) >"$out/build.log" 2>&1 || {
	tail -n 40 "$out/build.log" >&2
	exit 1
}
rm -rf "$source"
ls "$out"/libholdfast-lease-dev_*.deb
ls "$out"/holdfast_*.deb
