#!/usr/bin/env bash
# Prints the path of a CPython of exactly the given minor version, fit to build tepal for and to be measured with.
#
#   tools/python-version.sh 3.14              look for one; install one under build/python/3.14 if there is none
#   tools/python-version.sh 3.14 --find-only  never install
#
# Fit means: the version is really the one asked for (a pyenv shim answers to names that it then refuses to run), it can make
# virtual environments with pip, and CPython's own suite, test.test_asyncio, is there, which Debian leaves out of its plain packages.
#
# Exit status: 0 found, its path is the only line on standard output; 2 wrong usage;
# 3 no such interpreter here and none to be had, the reason is on standard error.
set -euo pipefail

version=${1:-} mode=${2:-install}
case $version in
  3.11 | 3.12 | 3.13 | 3.14 | 3.15) ;;
  *) echo "usage: $0 3.11|3.12|3.13|3.14|3.15 [--find-only]" >&2; exit 2 ;;
esac
root=$(cd "$(dirname "$0")/.." && pwd)

# Prints the real path of interpreter $1 if it is fit, else fails.
fit() {
  [ -x "$1" ] || return 1
  "$1" -E - "$version" 2>/dev/null <<'PYTHON'
import importlib.util, os, platform, sys
wanted = tuple(int(part) for part in sys.argv[1].split("."))
assert sys.version_info[:2] == wanted and platform.python_implementation() == "CPython"
import bz2, ctypes, ensurepip, lzma, ssl, venv, zlib
assert importlib.util.find_spec("test.test_asyncio") is not None
# A virtual environment remembers its base by path: a link such as pyenv's shim or Debian's alternatives may move later.
print(os.path.realpath(sys.executable))
PYTHON
}

candidates() {
  type -aP "python$version" || true
  local pyenv=${PYENV_ROOT:-$HOME/.pyenv}
  local prefix
  for prefix in "$pyenv/versions/$version".*; do
    echo "$prefix/bin/python$version"
  done
  echo "$root/build/python/$version/usr/bin/python$version"
}

while read -r candidate; do
  if fit "$candidate"; then
    exit 0
  fi
done < <(candidates)

if [ "$mode" = --find-only ]; then
  echo "python-version: no CPython $version with test.test_asyncio on PATH, under pyenv or in build/python" >&2
  exit 3
fi
echo "python-version: no CPython $version with test.test_asyncio here; installing one under build/python/$version" >&2
"$root/tools/install_python.sh" "$version" "$root/build/python/$version" >&2
if ! fit "$root/build/python/$version/usr/bin/python$version"; then
  echo "python-version: the installed CPython $version is not fit for use" >&2
  exit 3
fi
