#!/usr/bin/env python3
"""Fails when planning has become dearer, or so much cheaper that the bands below are no guard any more. Nothing is timed.

    tests/bench/guard.py

Builds the example `planloop`, which plans without a network, and takes the difference between two numbers of objects, so
that what a process costs by itself does not count. Needs valgrind for the instructions."""

import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
FEW, MANY = 10_000, 20_000

# For each object that both buckets list, as rustc 1.95 builds it for tests (not for speed): what was measured, and how far
# from it is too far. Two listings hold some 600 bytes of each object, which the example makes and the SDK reads.
BANDS = {
    "bytes": (1_950, 0.10),
    "allocations": (8.9, 0.10),
    "instructions": (64_500, 0.15),
}


def build():
    words = ["cargo", "build", "--quiet", "--locked", "--workspace", "--example", "planloop", "--message-format", "json"]
    out = subprocess.run(words, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    for line in out.splitlines():
        message = json.loads(line)
        if message.get("executable") and message["target"]["name"] == "planloop":
            return message["executable"]
    sys.exit("cargo built no planloop")


def measured(program, objects):
    told = json.loads(subprocess.run([program, str(objects)], check=True, stdout=subprocess.PIPE, text=True).stdout)
    with tempfile.TemporaryDirectory() as folder:
        words = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out", program, str(objects)]
        said = subprocess.run(words, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True).stderr
    told["instructions"] = int(re.search(r"Collected : (\d+)", said)[1])
    return told


def main():
    if not shutil.which("valgrind"):
        sys.exit("valgrind is missing (Debian: apt-get install valgrind)")
    program = build()
    few, many = measured(program, FEW), measured(program, MANY)
    wrong = False
    for name, (expected, band) in BANDS.items():
        each = (many[name] - few[name]) / (MANY - FEW)
        out = abs(each - expected) > band * expected
        wrong |= out
        verdict = "OUT OF ITS BAND" if out else "within its band"
        print(f"{name:<13} {each:>10,.1f} for each planned object, {verdict} of {expected:,} ± {band:.0%}")
    sys.exit(wrong)


if __name__ == "__main__":
    main()
