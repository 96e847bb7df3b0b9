#!/usr/bin/env bash
# Are the tests able to fail? Each patch here is a bug put in on purpose; the tests that its header names must catch it.
#   tests/mutations/run.sh [--all | --some N] [--json FILE] [NAME…]
# Needs cargo, git and Python 3. Works on a copy under target/mutations, and shares what is built of other crates.
set -euo pipefail
exec python3 "$(dirname "$0")/run.py" "$@"
