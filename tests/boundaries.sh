#!/usr/bin/env bash
# The crates stay useful alone: flex-keys without tokio and the SDK, flex-policy without the SDK, and no library knows
# the command line. Fails with the dependency that crept in.
set -euo pipefail
cd "$(dirname "$0")/.."

forbid() { # crate, extended regular expression of package names
  local tree found
  tree=$(cargo tree --locked --offline -p "$1" -e normal --prefix none 2>/dev/null || cargo tree --locked -p "$1" -e normal --prefix none)
  found=$(grep -E "^($2) v" <<<"$tree" || true)
  if [ -n "$found" ]; then
    printf '%s must not depend on:\n%s\n' "$1" "$found" >&2
    exit 1
  fi
  printf '%s: %s packages, none of %s\n' "$1" "$(sort -u <<<"$tree" | wc -l)" "$2"
}

forbid flex-keys 'tokio.*|aws-.*|serde_json'
forbid flex-policy 'tokio.*|aws-.*|flex-(copy|creds|cli)'
forbid flex-creds 'clap.*|anyhow|tracing-subscriber|aws-sdk-s3|flex-(copy|cli)'
forbid flex-copy 'clap.*|anyhow|tracing-subscriber|indicatif|flex-(creds|cli)'
