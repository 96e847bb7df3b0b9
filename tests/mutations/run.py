"""Puts each mutation into a copy of the tree and has the tests that its header names fail. See run.sh."""

import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
SCRATCH = ROOT / "target" / "mutations"
TREE = SCRATCH / "tree"
HEADER = re.compile(r"^Caught-by: cargo test -p (\S+) --test (\S+) (\S+)$", re.MULTILINE)
# A mutation may make a test wait for ever. That is no clean answer, but must not hold up the others.
TEST_LIMIT = 180


class Wrong(Exception):
    """Something that keeps a mutation from being judged, or a mutation that survived."""


class Mutation:
    def __init__(self, path):
        self.path, self.name = path, path.stem
        text = path.read_text()
        header = text.split("\n--- ", 1)[0]
        self.what = header.strip().splitlines()[0]
        self.tests = HEADER.findall(header)
        if not self.tests or header.count("Caught-by:") != len(self.tests):
            raise Wrong(f"{path.name}: expected lines 'Caught-by: cargo test -p PACKAGE --test TARGET NAME'")

    def groups(self):
        """The named tests by test target."""
        out = {}
        for _, target, name in self.tests:
            out.setdefault(target, []).append(name)
        return out


def copy_tree():
    """The files as they are now, committed or not; only what differs is written, so that builds stay incremental."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True,
    ).stdout.decode()
    wanted = {name for name in listed.split("\0") if name and (ROOT / name).is_file()}
    for name in wanted:
        source, copy = ROOT / name, TREE / name
        content = source.read_bytes()
        if not copy.is_file() or copy.read_bytes() != content:
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(content)
            copy.chmod(source.stat().st_mode)
    for copy in TREE.rglob("*"):
        if copy.is_file() and str(copy.relative_to(TREE)) not in wanted:
            copy.unlink()


def apply(mutation, reverse=False):
    # Outside of any repository, or git would look for the files in this one.
    env = dict(os.environ, GIT_CEILING_DIRECTORIES=str(SCRATCH))
    done = subprocess.run(
        ["git", "apply", *(["--reverse"] if reverse else []), str(mutation.path)],
        cwd=TREE, env=env, capture_output=True, text=True,
    )
    if done.returncode != 0:
        raise Wrong(f"the patch does not apply: {done.stderr.strip()}")


def cargo(target, *more, limit=None):
    # The whole workspace's features, whichever test is built: other crates are then built once, and as `cargo test
    # --workspace` builds them. Programs land in a folder of their own, for they are mutants.
    shared = os.environ.get("CARGO_TARGET_DIR") or str(ROOT / "target")
    env = dict(
        os.environ, CARGO_TARGET_DIR=str(SCRATCH / "out"), CARGO_BUILD_BUILD_DIR=str(ROOT / shared),
        CARGO_INCREMENTAL="1", CARGO_TERM_COLOR="never",
    )
    # What is built anew for each mutation is run for seconds: optimising it would take longer.
    plain = [word for crate in ("flex-copy", "flex-tests") for word in ("--config", f"profile.dev.package.{crate}.opt-level=0")]
    command = ["cargo", "test", "--locked", "--workspace", *plain, "--test", target, *more]
    return subprocess.run(
        command, cwd=TREE, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=limit,
    )


def results(target, names):
    """Builds a test target and runs these tests of it: the result of each, by name."""
    built = cargo(target, "--no-run")
    if built.returncode != 0:
        raise Wrong("it does not compile:\n" + "\n".join(built.stdout.splitlines()[-30:]))
    try:
        ran = cargo(target, "--", "--exact", *names, limit=TEST_LIMIT)
    except subprocess.TimeoutExpired as e:
        raise Wrong(f"no answer from the tests in {TEST_LIMIT} s") from e
    found = dict(re.findall(r"^test (\S+)(?: - should panic)? \.\.\. (ok|FAILED)", ran.stdout, re.MULTILINE))
    for name in names:
        if name not in found:
            raise Wrong(f"there is no test {name} in {target}:\n" + "\n".join(ran.stdout.splitlines()[-30:]))
    return found


def judge(mutation):
    apply(mutation)
    try:
        for target, names in mutation.groups().items():
            found = results(target, names)
            slept = [name for name in names if found[name] == "ok"]
            if slept:
                raise Wrong(f"SURVIVED: {', '.join(slept)} still passes")
    finally:
        apply(mutation, reverse=True)


def chosen(everything, some):
    """So many in turn: another commit begins at another one."""
    if some is None or some >= len(everything):
        return everything
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    first = int(commit[:8], 16) % len(everything)
    return (everything + everything)[first : first + some]


def main():
    parser = argparse.ArgumentParser(description="Checks that deliberate bugs are caught by tests.")
    parser.add_argument("--all", action="store_true", help="all mutations (the default)")
    parser.add_argument("--some", type=int, metavar="N", help="N of them, another part for another commit")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="write the results")
    parser.add_argument("names", nargs="*", help="only these")
    args = parser.parse_args()

    everything = [Mutation(path) for path in sorted(HERE.glob("*.patch"))]
    unknown = set(args.names) - {mutation.name for mutation in everything}
    if unknown:
        raise Wrong(f"there is no mutation {', '.join(sorted(unknown))}")
    selected = [m for m in everything if not args.names or m.name in args.names]
    selected = chosen(selected, None if args.all else args.some)
    print(f"{len(selected)} of {len(everything)} mutations", flush=True)

    began = time.monotonic()
    copy_tree()
    # A test that fails without the mutation shows nothing.
    sound = {}
    for mutation in selected:
        for target, names in mutation.groups().items():
            sound.setdefault(target, set()).update(names)
    for target, names in sorted(sound.items()):
        failed = [name for name, result in results(target, sorted(names)).items() if result != "ok"]
        if failed:
            raise Wrong(f"these tests of {target} fail without any mutation: {', '.join(failed)}")
    print(f"without a mutation all {sum(map(len, sound.values()))} tests pass ({time.monotonic() - began:.0f} s)", flush=True)

    told, bad = [], 0
    for mutation in selected:
        start = time.monotonic()
        try:
            judge(mutation)
            result = "caught"
        except Wrong as e:
            result, bad = str(e), bad + 1
        took = time.monotonic() - start
        tests = [name for _, _, name in mutation.tests]
        print(f"{mutation.name:36} {took:4.0f} s  {result}" + (f" by {', '.join(tests)}" if result == "caught" else ""), flush=True)
        told.append({
            "name": mutation.name, "what": mutation.what, "result": result if result == "caught" else "not caught",
            "caught_by": [{"package": p, "target": t, "test": n} for p, t, n in mutation.tests],
        })
    seconds = round(time.monotonic() - began)
    caught = len(selected) - bad
    print(f"{caught} of {len(selected)} caught in {seconds} s")
    if args.json:
        summary = {"total": len(everything), "run": len(selected), "caught": caught, "seconds": seconds, "mutations": told}
        args.json.write_text(json.dumps(summary, indent=2, ensure_ascii=False) + "\n")
    return 1 if bad else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Wrong as e:
        sys.exit(f"mutations: {e}")
