#!/bin/sh
# Checks licences, duplicate versions and sources of every dependency against deny.toml. Takes seconds; where cargo-deny is
# absent it is built once into target/tools, which takes some minutes.
set -eu
cd "$(dirname "$0")/.."
version=0.20.2
target="${CARGO_TARGET_DIR:-target}"
deny="$target/tools/bin/cargo-deny"
if found=$(command -v cargo-deny) && [ "$("$found" --version)" = "cargo-deny $version" ]; then
    deny="$found"
elif ! [ -x "$deny" ] || [ "$("$deny" --version)" != "cargo-deny $version" ]; then
    # A check is no place for an optimised build: this one takes half the time.
    CARGO_PROFILE_RELEASE_OPT_LEVEL=1 CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
        CARGO_TARGET_DIR="$target/tools/build" \
        cargo install --quiet --locked "cargo-deny@$version" --root "$target/tools"
    rm -rf "$target/tools/build"
fi
exec "$deny" --all-features check -D warnings --show-stats licenses bans sources
