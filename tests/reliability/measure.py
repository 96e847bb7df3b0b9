#!/usr/bin/env python3
"""Measures what docs/reliability.md tells, and writes it into summary.json beside this file.

    tests/reliability/measure.py                      # all of it: hours
    tests/reliability/measure.py --only kills,fuzz    # these anew; the rest of summary.json stays

Each figure keeps its command and the commit that it was measured at. report.py makes the document from it.
"""

import argparse
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SUMMARY = Path(__file__).with_name("summary.json")


def commit():
    """The commit, and whether what was measured differs from it."""
    def git(*words):
        return subprocess.run(["git", *words], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()

    # What does not reach a binary or a test does not count.
    changed = git("status", "--porcelain", "--", "*.rs", "*.toml", "*.lock", "*.patch", "*.py", "*.sh")
    return git("rev-parse", "--short=12", "HEAD") + ("+" if changed else "")


def run(command, variables=None, capture=False):
    """Runs a command of the repository's; its output, if that is wanted."""
    print("$", command, file=sys.stderr, flush=True)
    done = subprocess.run(
        shlex.split(command), cwd=ROOT, env={**os.environ, **(variables or {})}, text=True,
        stdout=subprocess.PIPE if capture else None,
    )
    if done.returncode != 0:
        print(done.stdout or "", file=sys.stderr)
        raise SystemExit(f"failed: {command}")
    return done.stdout


def measured(command, **figures):
    return {"command": command, "commit": commit(), "date": date.today().isoformat(), **figures}


def with_json(command):
    """What a command writes with --json FILE."""
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        run(f"{command} --json {file.name}")
        return json.loads(Path(file.name).read_text())


def simulation(options):
    command = f"cargo run --release --locked -p flex-tests --bin simulate -- --seeds {options.seeds}"
    found = with_json(command)
    found.pop("command", None)
    return measured(command, **found)


def kills(options):
    test = "crashes::kill_9_at_50_random_moments_loses_nothing_and_leaves_nothing"
    command = f"FLEX_KILLS={options.kills} cargo test --locked -p flex-cli --test cli -- --exact {test} --nocapture"
    out = run(command.split(" ", 1)[1], {"FLEX_KILLS": str(options.kills)}, capture=True)
    found = re.search(r"^kill -9: (\d+) runs, (\d+) killed before their end, (\d+) with an upload open", out, re.MULTILINE)
    if not found:
        raise SystemExit(f"the test does not tell its figures:\n{out}")
    runs, killed, in_upload = map(int, found.groups())
    return measured(command, runs=runs, killed=killed, in_upload=in_upload)


def fuzz(options):
    command = f"tests/fuzz/run.sh {options.fuzz_seconds}"
    return measured(command, targets=with_json(command))


def mutations(_):
    command = "tests/mutations/run.sh --all"
    return measured(command, **with_json(command))


PARTS = {"simulation": simulation, "kills": kills, "fuzz": fuzz, "mutations": mutations}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(PARTS), help=f"of {','.join(PARTS)}")
    parser.add_argument("--seeds", type=int, default=100_000)
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--fuzz-seconds", type=int, default=600, help="for each target")
    options = parser.parse_args()
    for name in options.only.split(","):
        found = PARTS[name](options)
        # Read now: another part may have been measured meanwhile.
        summary = json.loads(SUMMARY.read_text()) if SUMMARY.exists() else {}
        summary[name] = found
        SUMMARY.write_text(json.dumps(summary, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
