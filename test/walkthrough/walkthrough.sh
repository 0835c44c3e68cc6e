#!/bin/bash
# Goes through everything that `nethsm` does with a device, in the order in which a new user would, and checks each
# result with other people's programs: walkthrough.sh RELEASE. Needs nethsm, soft-nethsm, signstar-request-signature,
# openssl, gpg, sq and sqop on PATH, a directory of its own as the present one, and README.md in it.
set -Eeuo pipefail
release=$1
trap 'echo "walkthrough: ${BASH_SOURCE[0]##*/} line $LINENO failed: $BASH_COMMAND" >&2' ERR

dir=$PWD
temp() { mktemp --tmpdir="$dir" --dry-run --suffix "-nethsm.$1"; }
section() { echo "== $*"; }
fails() { # EXIT WORDS…: the command must end so, with one line of error
  local expected=$1 status=0
  shift
  "$@" >"$dir/out" 2>"$dir/err" || status=$?
  [[ $status -eq $expected && ! -s $dir/out ]] || { echo "$* ended with $status:" >&2; cat "$dir/out" "$dir/err" >&2; return 1; }
}
is() { [[ $1 == "$2" ]] || { echo "found '$1', not '$2'" >&2; return 1; }; }
has() { grep -qF -- "$1" "${2:-/dev/stdin}" || { echo "no '$1' in it" >&2; return 1; }; }
old() { [[ $release == 2.2 ]]; }

# The device: a software NetHSM whose data outlive it.
port=$(node -e 'const s = require("node:net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); })')
start_device() {
  : >"$dir/ready"
  soft-nethsm serve --data-dir "$dir/device" --listen "127.0.0.1:$port" --release "$release" >"$dir/ready" 2>>"$dir/device.log" &
  device=$!
  for _ in {1..1200}; do [[ -s $dir/ready ]] && return; sleep 0.05; done
  return 1
}
wait_for() { for _ in {1..300}; do [[ $(nethsm health state 2>&1) == "$1" ]] && return; sleep 0.1; done; return 1; }
trap 'kill "$device" 2>/dev/null || true; gpgconf --kill all 2>/dev/null || true' EXIT
start_device

for part in users keys openpgp use device; do
  # shellcheck source=/dev/null
  source "${BASH_SOURCE[0]%/*}/$part.sh"
done
echo "walkthrough: done"
