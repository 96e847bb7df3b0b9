#!/usr/bin/env bash
# Compares flex's trading calendar day by day with XTKS of exchange_calendars (PyPI). Needs cargo and python3.
set -euo pipefail
cd "$(dirname "$0")/../.."

first=2010-01-04
# The last year that the pinned version of XTKS knows.
last=2026-12-31

here=tests/calendar
venv="${CARGO_TARGET_DIR:-target}/calendar-venv"
# Made anew when what is pinned changes.
if ! cmp -s "$here/requirements.txt" "$venv/installed.txt"; then
    rm -rf "$venv"
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
    cp "$here/requirements.txt" "$venv/installed.txt"
fi

cargo build --quiet -p flex-keys --example calendar
cargo run --quiet -p flex-keys --example calendar -- "$first" "$last" |
    "$venv/bin/python" "$here/compare.py" "$first" "$last"
