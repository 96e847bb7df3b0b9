"""Tables of what was measured: medians of the rounds, and the targets that they meet or miss."""

import shlex
from pathlib import Path
from statistics import median

# What was found, by hand.
NOTES = Path(__file__).with_name("notes.md")

SCENES = {
    "small": "20,000 small objects, answered at once",
    "latency": "5,000 objects of 64 MiB on average in parts of 8 MiB, 30 ms and 100 MiB/s a request",
    "year": "a year like 2023, at time scale 5",
    "limited": "6,000 small objects into one partition that takes 300 writes a second",
    "million": "a million small objects, answered at once",
    "tenmillion": "ten million small objects, answered at once",
    "day": "a day of 40 files",
    "nothing-10k": "nothing to do: 10,000 keys on both sides, 30 ms a request",
    "nothing-1m": "nothing to do: a million keys on both sides, 30 ms a request",
}


def asked(options):
    """The command that measures this again, without the paths of one machine."""
    words = ["--scenes", options.scenes, "--repeat", str(options.repeat)]
    if options.tools:
        words += ["--tools", options.tools]
    words += [f"--model={option}" for option in options.model]
    return [shlex.quote(word) for word in words]


def merged(every):
    """One of several results: a tool's runs on a scene are those of the last that has any."""
    first, *rest = every
    together = {**first, "commands": [first["command"]]}
    for results in rest:
        together["commands"].append(results["command"])
        together["when"] = max(together["when"], results["when"])
        together["versions"].update(results["versions"])
        for name, measured in results["scenes"].items():
            known = together["scenes"].setdefault(name, {"scene": measured["scene"], "runs": []})
            newer = {run["tool"] for run in measured["runs"]}
            known["runs"] = [run for run in known["runs"] if run["tool"] not in newer] + measured["runs"]
    for measured in together["scenes"].values():
        measured["runs"].sort(key=lambda run: not run["tool"].startswith("flex"))
    return together


class Row:
    """The median run of one tool on one scene. What only one run missed, the tool missed."""

    def __init__(self, runs):
        self.runs = runs
        self.tool, self.command = runs[0]["tool"], runs[0]["command"]
        self.objects = runs[0]["server"]["objects"]
        self.wall = self.of(lambda run: run["wall"])
        self.cpu = self.of(lambda run: run.get("user", 0) + run.get("system", 0))
        self.peak = self.of(lambda run: run.get("peak_mib", 0))
        self.requests = self.of(lambda run: run["server"]["requests"])
        self.connections = self.of(lambda run: run["server"]["connections"])
        self.in_flight = self.of(lambda run: run["server"]["peak_in_flight"])
        self.slow_downs = self.of(lambda run: run["server"]["slow_downs"])
        self.bound = self.of(lambda run: run["server"]["bound"]["seconds"])
        self.missing = max(self.objects - run["server"]["present"] for run in runs)
        self.open_uploads = max(run["server"]["open_uploads"] for run in runs)
        self.complete = all(run["server"]["complete"] for run in runs)
        self.right = all(run["server"]["right"] for run in runs)
        self.same_etag = min(run["server"]["same_etag"] for run in runs)
        self.copied = self.of(lambda run: run["server"]["copied"])
        self.timed_out = any(run["timed_out"] for run in runs)

    def of(self, value):
        return median(value(run) for run in self.runs)

    @property
    def nearness(self):
        """Bound by wall: 1 is all that the service allows."""
        return self.bound / self.wall if self.copied else None

    @property
    def state(self):
        words = []
        if self.timed_out:
            words.append("not done in time")
        if self.missing:
            words.append(f"{self.missing:,.0f} missing")
        if self.open_uploads:
            words.append(f"{self.open_uploads:,.0f} uploads left open")
        return ", ".join(words) or "yes"


def rows(results, scene):
    """Tool by tool, in the order in which they ran."""
    by_tool = {}
    for run in results["scenes"].get(scene, {}).get("runs", []):
        by_tool.setdefault(run["tool"], []).append(run)
    return {tool: Row(runs) for tool, runs in by_tool.items()}


def table(heads, lines):
    out = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    return out + ["| " + " | ".join(line) + " |" for line in lines]


def scene_table(scene, found):
    heads = ["tool", "rounds", "wall s", "CPU s", "peak MiB", "objects/s", "requests/object", "connections", "in flight"]
    heads += ["SlowDown", "bound ÷ wall", "complete", "content right", "same ETag"]
    lines = []
    for row in found.values():
        # Where everything is answered at once there is no bound, and nothing is seen in flight.
        at_once = scene["latency_ms"] == 0
        nearness = "" if row.nearness is None or at_once else f"{row.nearness:.2f}"
        lines.append(
            [
                row.tool,
                str(len(row.runs)),
                f"{row.wall:.2f}",
                f"{row.cpu:.2f}",
                f"{row.peak:.0f}",
                f"{row.objects / row.wall:,.0f}",
                f"{row.requests / row.objects:.3f}",
                f"{row.connections:,.0f}",
                "" if at_once else f"{row.in_flight:,.0f}",
                f"{row.slow_downs:,.0f}",
                nearness,
                row.state,
                "yes" if row.right else "**no**",
                f"{row.same_etag:,.0f}",
            ]
        )
    return table(heads, lines)


def best(found, prefix, of):
    """The least of a number among a family's tools that did the whole work."""
    return min((of(row) for name, row in found.items() if name.startswith(prefix) and row.complete), default=None)


def targets(results):
    """What flex is to reach: (scene, what, value, wanted, met)."""
    out = []

    def add(scene, what, value, wanted, at_least):
        if value is not None:
            met = value >= wanted if at_least else value <= wanted
            out.append((scene, what, value, ("≥ " if at_least else "≤ ") + f"{wanted:,g}", met))

    def ratio(a, b):
        return a / b if a is not None and b else None

    for scene in results["scenes"]:
        found = rows(results, scene)
        flex = found.get("flex")
        if flex is None:
            continue
        add(scene, "complete and right (1 or 0)", float(flex.complete and flex.right), 1, True)
        if scene == "small":
            wall, cpu = (lambda row: row.wall), (lambda row: row.cpu)
            add(scene, "objects/s ÷ s5cmd-1024's", ratio(best(found, "s5cmd-1024", wall), flex.wall), 1.5, True)
            add(scene, "objects/s ÷ the better bare loop's", ratio(best(found, "bareloop", wall), flex.wall), 0.8, True)
            add(scene, "CPU ÷ s5cmd-1024's", ratio(flex.cpu, best(found, "s5cmd-1024", cpu)), 0.45, False)
            add(scene, "connections for 20,000 copies", flex.connections, 1_100, False)
        if scene == "latency":
            s5cmd = best(found, "s5cmd-1024", lambda row: row.wall)
            add(scene, "wall ÷ s5cmd-1024's, proven by ETag", ratio(flex.wall, s5cmd), 1.0, False)
            add(scene, "bound ÷ wall", flex.nearness, 0.8, True)
            if "flex-size" in found:
                add(scene, "--proof size: wall ÷ s5cmd-1024's", ratio(found["flex-size"].wall, s5cmd), 0.8, False)
        if scene == "year":
            add(scene, "bound ÷ wall", flex.nearness, 0.85, True)
            others = [row.wall for name, row in found.items() if name.startswith("s5cmd")]
            add(scene, "wall ÷ the better s5cmd's", ratio(flex.wall, min(others, default=None)), 1.0, False)
        if scene == "limited":
            add(scene, "bound ÷ wall", flex.nearness, 0.95, True)
            add(scene, "requests per object", flex.requests / flex.objects, 1.1, False)
        if scene in ("million", "nothing-1m"):
            add(scene, "peak MiB", flex.peak, 100, False)
        if scene == "nothing-10k":
            add(scene, "wall s", flex.wall, 0.35, False)
            add(scene, "requests", flex.requests, 60, False)
        if scene == "nothing-1m":
            add(scene, "wall s", flex.wall, 6, False)
            add(scene, "requests", flex.requests, 2_600, False)
    million, ten = rows(results, "million").get("flex"), rows(results, "tenmillion").get("flex")
    if million and ten:
        add("tenmillion", "peak ÷ that of a million", ten.peak / million.peak, 1.2, False)
    return out


def markdown(results, svg):
    machine = results["machine"]
    floor = results["floor"]
    versions = [f"{name}: {text}" for name, text in results["versions"].items() if text]
    out = [
        "# Performance",
        "",
        f"Medians of as many rounds as the tables tell, on a machine of {machine['cores']} cores ({machine['system']},"
        f" {machine['architecture']}), {results['when']}. Each tool"
        " copies inside the load model of `tests/`, on the same machine, to a fresh destination;"
        " [tests/bench/README.md](../tests/bench/README.md) says how, and what the columns mean. A trivial client makes"
        f" {floor['copies_per_second']:,} copies and lists {floor['pages_per_second']:,} pages a second there.",
        "",
        "```sh",
        *results["commands"],
        "```",
        "",
        *["Of a tool on a scene, the last command that names both counts.", ""][: 2 * (len(results["commands"]) > 1)],
        f"![What each tool reaches]({svg})",
        "",
        "Versions: " + "; ".join(versions) + ".",
    ]
    if found := targets(results):
        lines = [
            [scene, what, f"{value:,.2f}" if value < 100 else f"{value:,.0f}", wanted, "yes" if met else "**no**"]
            for scene, what, value, wanted, met in found
        ]
        out += ["", "## Targets", "", *table(["scene", "flex with defaults", "measured", "wanted", "met"], lines)]
    for name, measured in results["scenes"].items():
        scene, found = measured["scene"], rows(results, name)
        out += ["", f"## {name}: {SCENES.get(name, 'a scene')}", "", *scene_table(scene, found), ""]
        if not scene["filled"] and scene["latency_ms"] > 0:
            in_layout, at_once = scene["bound_in_source_layout"], scene["bound_at_once"]
            out += [
                f"The service's bound: {in_layout['seconds']:.2f} s with the source's part layout ({in_layout['writes']:,}"
                f" writes), {at_once['seconds']:.2f} s with one request an object where S3 allows it"
                f" ({at_once['writes']:,} writes).",
                "",
            ]
        commands = [row.command for row in found.values()]
        out += ["```sh", f"loadmodel --scene {name}   # serves $MODEL", *commands, "```"]
    out += ["", NOTES.read_text().rstrip()]
    return "\n".join(out) + "\n"
