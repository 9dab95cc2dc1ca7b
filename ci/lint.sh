#!/usr/bin/env bash
# Every check that runs no test. All of them run, so that one pass shows everything; the status is 1 if any complained.
#
#   ci/lint.sh INTERPRETER      a Python with the group `lint` installed; `make lint` sets one up
set -u
interpreter=$1
failed=()

check() {
  local name=$1
  shift
  echo "== $name"
  "$@" || failed+=("$name")
}

check "rustfmt" cargo fmt --all --check
check "clippy" cargo clippy --quiet --workspace --all-targets -- -D warnings
check "ruff" "$interpreter" -m ruff check --quiet .
check "ruff format" "$interpreter" -m ruff format --quiet --check .
check "mypy" "$interpreter" -m mypy
check "layers" "$interpreter" tools/check_layers.py
check "file sizes" "$interpreter" tools/check_file_sizes.py
check "unsafe" "$interpreter" tools/check_unsafe.py
check "text" "$interpreter" tools/check_text.py

if [ ${#failed[@]} -gt 0 ]; then
  printf 'lint: %s complained\n' "$(IFS=,; echo "${failed[*]}")"
  exit 1
fi
echo "lint: nothing to complain about"
