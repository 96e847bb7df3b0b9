#!/usr/bin/env python3
"""Makes docs/reliability.md from summary.json, which measure.py writes, and the texts below.

    tests/reliability/report.py            # writes it
    tests/reliability/report.py --check    # fails when it is not what would be written; --strict: or misses its figures
"""

import argparse
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SUMMARY = Path(__file__).with_name("summary.json")
DOCUMENT = ROOT / "docs" / "reliability.md"
SEEDS_WANTED = 100_000

PROMISES = [
    ("Nothing that is called copied is missing or other than the source's",
     "simulation: after every run each claim is held against what is there; `tests/tests/engine/proofs.rs`, `whole.rs`, `parts.rs`"),
    ("Nothing is reported stronger than it was proven",
     "simulation; `whole.rs` (KMS, other layouts, `--proof size`); `verifying.rs`; the manifest's own tests"),
    ("Each object is reported once, and the summary counts what the events say", "simulation; `faults.rs`"),
    ("A run that ends early loses nothing: the next one completes it",
     "simulation: cancelled, dropped or dead at a request, an answer or a write to disk; `flex-cli/tests/cli/crashes.rs`: kill -9"),
    ("Half-done multipart copies are gone on with", "simulation; `tests/tests/engine/journal.rs`; `flex-cli/tests/cli/journal.rs`"),
    ("An upload is on record before its first part, a creation before it is sent",
     "simulation: looked up on the simulated disk as each request arrives; `journal.rs`"),
    ("After the owner's clean-up no upload is open that a run which is over left by its id, nor any of flex's older than `--older-than`", "simulation; kill -9; `flex-cli/tests/cli/journal.rs`"),
    ("No object fails for an expired token", "simulation: tokens of 5 s, tokens ended at any request; `tests/tests/engine/credentials.rs`"),
    ("Attempts are bounded, and nothing hangs", "simulation: four virtual days at most; `hostile.rs`: a service that accepts and never answers"),
    ("Never more requests in flight than allowed, nor more objects waiting", "simulation: counted at the seam, and from the events; `whole.rs`"),
    ("A refusal is not called an absence, nor an outage a refusal", "simulation; `refusals.rs`; 66 broken set-ups in `flex-cli/tests/cli/doctor/`"),
    ("A corrected file of the vendor's is seen and never overwritten in silence", "simulation: `--on-change` in all three values; `changes.rs`"),
    ("A full disk, or a journal that cannot be written, stops nothing that runs", "simulation: full disks and torn writes; `journal.rs`"),
    ("Nothing is deleted", "simulation; `security.rs`: no DeleteObject in any command"),
    ("Hostile answers and files end in an error, within bounds of time and memory", "`hostile.rs`; fuzz targets for every parser"),
]

FAULTS = {
    "cancelled-run": "the run is cancelled (Ctrl-C)",
    "changed-source": "the source gets another version, in mid-run or under a copy",
    "clock-skew": "the machine's clock jumps by minutes, or by a day",
    "cut-off": "the answer's body breaks off",
    "disk-full": "a write of the journal finds no room",
    "dropped-run": "the run's future is dropped",
    "empty-200": "200 with nothing in it",
    "ended-token": "the token ends under a request",
    "ended-tokens": "all tokens end at once",
    "error-in-200": "200 with an error in its body",
    "error-spell": "80 % of everything is 503 for a while",
    "internal-error": "500 InternalError",
    "lost-next-page": "a page of a listing does not say how to go on",
    "policy-removed": "the destination's policy is taken away, and put back later or never",
    "process-death": "the process dies at a request, an answer or a write to disk",
    "refused-key": "a key is refused from now on",
    "repeated-page": "a page of a listing names itself as the next",
    "reset-after": "the connection is reset after the effect",
    "reset-before": "the connection is reset before the effect, outages included",
    "slow-body": "headers at once, the body after up to 40 s",
    "slow-down": "503 SlowDown",
    "stall-after": "no answer for ever, after the effect",
    "stall-before": "no answer for ever, no effect",
    "storm": "90 % of everything is SlowDown for a while",
    "sts-errors": "STS answers 503 for minutes",
    "torn-write": "of a write that was not confirmed a part is on disk",
    "unavailable": "503 ServiceUnavailable",
    "vanished-source": "the source is gone after it was listed",
}

FOUND = """\
- A listing whose body broke off was read by the SDK as a whole one: its XML reader takes an early end for the end of the
  list. Half a day would have been called complete. Answers that break off are now no answers (`flex-cli/src/http/`), and
  a page that does not say whether more follows is asked for again.
- A refused HEAD carries no code. When the machine's clock jumped in mid-run, keys were called *not entitled*; the answer's
  own date now tells clock skew from refusal, also where the refusal's body is cut off.
- The same again when the clock was put right: the SDK signs with the service's time as it learnt it, so the signature's time
  is what counts (seeds 45572 and 55408, about one in 25,000).
- Waiters for a new token were woken in another order each time (`tokio::sync::watch` picks at random), so that some seeds had
  two histories.
- Rewriting a journal forgot between which times a creation was lost, by which the owner's clean-up finds it (fuzzing).
- A specification's folder whose name ends with a space was not read back as it was printed (fuzzing).
- `--manifest ""`, as an unset variable gives, copied everything and failed at the end; it is refused before anything starts.
- With few files open (`ulimit -n 64`) some requests failed for good; fewer are in flight now.
"""

LIMITS = """\
- The simulation holds the engine, the SDK's clients, the credentials and the journal. It leaves out the HTTP client (its bounds,
  TLS, proxies), the journal's file and the command line: real processes test those.
- A process dies at a crossing of the seam: a request, an answer, a write to disk or its end. Between two crossings nothing
  leaves the process, so that a death there looks like one at the next crossing. Futures are dropped at any virtual
  millisecond and after any event.
- The same seed gives the same history in any thread and process of one build. Another build may wake tasks of the same
  millisecond in another order.
- The sandbox is written by the same hands as flex. Which of its refusals other servers confirm is in
  [tests/README.md](../tests/README.md); the end-to-end tests also run against moto and SeaweedFS. Nothing ran against AWS.
"""


def number(value):
    return f"{value:,}" if isinstance(value, int) else f"{value:,.1f}"


def table(heads, rows):
    return ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads), *("| " + " | ".join(row) + " |" for row in rows), ""]


def source(part):
    return f"`{part['command']}`, at commit {part['commit']}, {part['date']}."


def simulation(part):
    rows = [
        ("seeds", part["seeds"]), ("seeds that broke a promise", part["seeds_failed"]), ("runs", part["runs"]),
        ("simulated hours", part["simulated_hours"]), ("requests", part["requests"]), ("faults", part["faults_total"]),
        ("process deaths among them", part["process_deaths"]), ("objects copied", part["objects_copied"]),
        ("uploads that a later run went on with", part["uploads_resumed"]), ("**objects lost**", part["objects_lost"]),
        ("**duplicates reported**", part["duplicates_reported"]), ("**orphans left**", part["orphans_left"]),
    ]
    out = ["### Simulation", "", source(part), ""]
    out += table(["", ""], [(name, number(value)) for name, value in rows])
    rate = part["seeds"] / max(part["seconds"], 1)
    out += [f"That took {number(part['seconds'])} s on two cores, {rate:.0f} seeds a second. `cargo test` runs 1,200 seeds.", ""]
    unknown = set(part["faults"]) - set(FAULTS)
    if unknown:
        raise SystemExit(f"FAULTS does not say what these are: {', '.join(sorted(unknown))}")
    out += table(["fault", "times", "what it is"], [(n, number(c), FAULTS[n]) for n, c in sorted(part["faults"].items())])
    return out


def kills(part):
    return [
        "### kill -9", "", source(part), "",
        f"{number(part['runs'])} processes were killed by `SIGKILL`, each at its own request; {number(part['killed'])} of them before"
        f" their end, {number(part['in_upload'])} with an upload open. After a second run every object was there with its content,"
        " and after `flex clean` no upload was open: objects lost 0, orphans left 0.", "",
    ]


def fuzz(part):
    rows = [(t["target"], number(t["executions"]), number(t["seconds"]), number(t["edges"])) for t in part["targets"]]
    total = sum(t["executions"] for t in part["targets"])
    out = ["### Fuzzing", "", source(part), "", f"{number(total)} executions, no failure:", ""]
    return out + table(["target", "executions", "seconds", "edges reached"], rows)


def mutations(part):
    rows = [(m["name"], m["what"].rstrip("."), ", ".join(f"`{c['test']}`" for c in m["caught_by"])) for m in part["mutations"]]
    out = ["### Mutations", "", source(part), "", "Bugs put in on purpose, `tests/mutations/*.patch`."]
    out += [f"{part['caught']} of {part['total']} are caught, each by every test named for it:", ""]
    return out + table(["mutation", "what it does", "caught by"], rows)


def document(summary):
    out = [
        "<!-- Made by tests/reliability/report.py from tests/reliability/summary.json. -->", "# Reliability", "",
        "What flex promises when things go wrong, how each promise is tested, and what one run of these tests came to.", "",
        "## Promises", "", *table(["promise", "tested by"], PROMISES),
        "A failing seed prints itself; `cargo run --release -p flex-tests --bin simulate -- --seed S --trace` plays it again, request"
        " by request.", "", "## Figures", "",
    ]
    for name, section in (("simulation", simulation), ("kills", kills), ("fuzz", fuzz), ("mutations", mutations)):
        if name in summary:
            out += section(summary[name])
    out += ["## Found and mended on the way", "", FOUND, "## Where this ends", "", LIMITS]
    return "\n".join(out).rstrip() + "\n"


def complaints(summary):
    """What the figures ought to be and are not."""
    s = summary.get("simulation", {})
    if s.get("seeds", 0) < SEEDS_WANTED:
        yield f"fewer than {SEEDS_WANTED:,} seeds"
    for name in ("seeds_failed", "objects_lost", "duplicates_reported", "orphans_left"):
        if s.get(name) != 0:
            yield f"{name} is {s.get(name)}"
    m = summary.get("mutations", {})
    if not m or m["caught"] != m["total"]:
        yield "not every mutation is caught"
    for name in ("kills", "fuzz"):
        if name not in summary:
            yield f"{name} is missing"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing")
    parser.add_argument("--strict", action="store_true", help="with --check: the figures must be what they ought to be")
    options = parser.parse_args()
    summary = json.loads(SUMMARY.read_text())
    text = document(summary)
    if not options.check:
        DOCUMENT.write_text(text)
        return
    if not DOCUMENT.exists() or DOCUMENT.read_text() != text:
        sys.exit("docs/reliability.md is not what its summary says: run tests/reliability/report.py")
    if options.strict and (found := list(complaints(summary))):
        sys.exit("docs/reliability.md: " + "; ".join(found))


if __name__ == "__main__":
    main()
