#!/usr/bin/env bash
# Runs flex against S3 servers written by others: moto and SeaweedFS. Needs python3 (3.10 or later) and a built flex.
#
#   tests/interop/run.sh [pytest arguments]
#
# FLEX_BIN           the binary to try         (target/release/flex, or target/debug/flex)
# FLEX_INTEROP_VENV  where the tools are kept  (target/interop/venv)
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
venv=${FLEX_INTEROP_VENV:-$target/interop/venv}
python=${PYTHON:-python3}

if [[ -z ${FLEX_BIN:-} ]]; then
  FLEX_BIN=$target/debug/flex
  [[ -x $target/release/flex ]] && FLEX_BIN=$target/release/flex
fi
export FLEX_BIN

# The environment is made once for a set of pins and a Python, and made anew when either changes.
stamp=$("$python" - "$here/requirements.txt" <<'PY'
import hashlib, pathlib, sys
pins = pathlib.Path(sys.argv[1]).read_bytes()
print(hashlib.sha256(pins + sys.version.encode()).hexdigest())
PY
)
if [[ ! -f $venv/stamp || $(<"$venv/stamp") != "$stamp" ]]; then
  echo "interop: installing the pinned tools into $venv" >&2
  if [[ -e $venv && ! -f $venv/pyvenv.cfg ]]; then
    echo "interop: $venv exists and is no virtual environment; set FLEX_INTEROP_VENV to another place" >&2
    exit 2
  fi
  rm -rf -- "$venv"
  "$python" -m venv "$venv"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r "$here/requirements.txt"
  printf '%s' "$stamp" >"$venv/stamp"
fi

cd "$here"
exec "$venv/bin/python" -B -m pytest -q -p no:cacheprovider "$@"
