#!/usr/bin/env python3
"""Peak memory and wall time of `flex plan` over many objects, with an empty and with a full destination.

    cargo build --release -p flex-cli -p flex-tests
    tests/bench/plan_memory.py [objects ...]        (default: 10000 1000000)

The sandbox serves the objects from a process of its own; the figure is the flex process's peak resident set, as wait4
tells it. It must stay under LIMIT MiB.
"""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

LIMIT = 150  # MiB
ROOT = Path(__file__).resolve().parents[2]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release"


def serve(objects):
    command = [TARGET / "sandbox", "--objects", str(objects), "--per-day", "5000", "--bucket", "vendor-copy"]
    sandbox = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    variables = {}
    for line in sandbox.stdout:
        if found := re.match(r"export (.*)", line):
            variables.update(word.split("=", 1) for word in found[1].split())
        if line.startswith("# Ready"):
            return sandbox, variables
    raise SystemExit(f"the sandbox did not start: exit code {sandbox.wait()}")


def plan(variables, *arguments):
    """Runs flex; gives its peak in MiB, its seconds, and the last line it printed."""
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "AWS_EC2_METADATA_DISABLED": "true", **variables}
    read, write = os.pipe()
    begun = time.monotonic()
    process = subprocess.Popen([TARGET / "flex", "plan", *arguments], env=environment, stdout=write)
    os.close(write)
    with os.fdopen(read) as out:
        lines = out.read().splitlines()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"flex ended with {process.returncode}:\n" + "\n".join(lines))
    return usage.ru_maxrss / 1024, time.monotonic() - begun, lines


def main():
    counts = [int(word) for word in sys.argv[1:]] or [10_000, 1_000_000]
    failed = False
    print(f"{'objects':>10} {'peak MiB':>9} {'seconds':>8}  plan")
    for objects in counts:
        sandbox, variables = serve(objects)
        try:
            peak, seconds, lines = plan(variables, "2010/01/04..")
        finally:
            sandbox.terminate()
            sandbox.wait()
        planned = next((line for line in lines if str(objects) in line.replace(",", "")), None)
        if planned is None:
            raise SystemExit(f"the plan does not name {objects} objects:\n" + "\n".join(lines))
        print(f"{objects:>10} {peak:>9.1f} {seconds:>8.1f}  {planned}", flush=True)
        failed |= peak > LIMIT
    if failed:
        raise SystemExit(f"above {LIMIT} MiB")


if __name__ == "__main__":
    main()
