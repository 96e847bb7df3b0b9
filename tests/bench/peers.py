#!/usr/bin/env python3
"""flex and its peers on the same scenes of a load model, in turn, each on a fresh destination.

    cargo build --release -p flex-cli && cargo build --release -p flex-tests --bin loadmodel --example bareloop
    tests/bench/peers.py --scenes small,latency --tools 'flex,s5cmd*' --repeat 3
    tests/bench/peers.py --report target/bench/results.json      (the tables and the chart again, of one or more results)

Peers come from the package registries into target/bench/. README.md beside this file says what is measured and how.
"""

import argparse
import fnmatch
import json
import os
import platform
import sys
import time
from pathlib import Path

import chart
import measure
import report
import tools

ROOT = Path(__file__).resolve().parents[2]
RELEASE = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release"
SCENES = ["small", "latency", "year", "limited", "million", "tenmillion", "day", "nothing-10k", "nothing-1m"]
# Copies of millions take the slower ones hours: they run there only when they are named.
CHOSEN = {"million": ["flex", "bareloop", "s5cmd-1024"], "tenmillion": ["flex"]}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", default="small,latency,year,limited,day,nothing-10k", help=f"of {','.join(SCENES)}")
    parser.add_argument("--tools", help="names or patterns, as flex,s5cmd* (default: all that fit the scene)")
    parser.add_argument("--repeat", type=int, default=3, help="rounds; the tables show medians (default: 3)")
    parser.add_argument("--time-limit", type=float, default=1800, help="seconds for one run (default: 1800)")
    parser.add_argument("--flex", default=RELEASE / "flex", help="the flex to measure")
    parser.add_argument("--loadmodel", default=RELEASE / "loadmodel")
    parser.add_argument("--bareloop", default=RELEASE / "examples" / "bareloop")
    parser.add_argument("--model", action="append", default=[], help="an option for the load model, as --model=--days=5")
    parser.add_argument("--work", type=Path, default=ROOT / "target" / "bench", help="where peers and results go")
    parser.add_argument("--out", type=Path, help="results as JSON (default: results.json in the work folder)")
    parser.add_argument("--report", type=Path, nargs="+", help="write tables and chart of these results, the later before the earlier, and measure nothing")
    parser.add_argument("--markdown", type=Path, help="where the tables go (default: beside the results)")
    parser.add_argument("--svg", type=Path, help="where the chart goes (default: beside the results)")
    return parser.parse_args()


def pick(patterns, every, scene):
    """The tools of a scene whose names fit; without patterns, those that finish it in reasonable time."""
    if patterns is None:
        patterns = CHOSEN.get(scene, ["*"])
        # A plain loop does not know what is there already.
        if scene.startswith("nothing"):
            every = {name: tool for name, tool in every.items() if tool.family != "bareloop"}
    for pattern in patterns:
        if not fnmatch.filter(every, pattern):
            raise SystemExit(f"no tool is called {pattern}: {', '.join(every)}")
    return [tool for name, tool in every.items() if any(fnmatch.fnmatch(name, pattern) for pattern in patterns)]


def show(run):
    server, objects = run["server"], run["server"]["objects"]
    state = "complete" if server["complete"] else f"{server['present']} of {objects}"
    print(
        f"  {run['tool']:<12} {run['wall']:8.2f} s  cpu {run.get('user', 0) + run.get('system', 0):7.2f} s"
        f"  peak {run.get('peak_mib', 0):7.1f} MiB  {server['requests']:>8} requests  {server['connections']:>6} connections"
        f"  {server['slow_downs']:>6} SlowDown  exit {run['exit_code']}  {state}{'' if server['right'] else ', WRONG'}"
        f"  model {run['model_cpu']:.2f} s",
        flush=True,
    )


def measured(options):
    options.work.mkdir(parents=True, exist_ok=True)
    box = tools.Toolbox(options.work, options.flex, options.bareloop)
    every, names = box.all(), options.tools.split(",") if options.tools else None
    model_options = [word for option in options.model for word in option.split("=", 1)]
    scenes = options.scenes.split(",")
    if unknown := [scene for scene in scenes if scene not in SCENES]:
        raise SystemExit(f"no scene is called {', '.join(unknown)}: {', '.join(SCENES)}")
    picked = {scene: pick(names, every, scene) for scene in scenes}
    families = sorted({tool.family for chosen in picked.values() for tool in chosen})
    results = {
        "when": time.strftime("%Y-%m-%d", time.gmtime()),
        "machine": {"cores": os.cpu_count(), "architecture": platform.machine(), "system": platform.system()},
        "command": " ".join(["tests/bench/peers.py", *report.asked(options)]),
        "versions": {family: box.version(family) for family in families},
        "floor": measure.floor(options.loadmodel, "small", []),
        "scenes": {},
    }
    print(f"a trivial client: {results['floor']}", flush=True)
    out = options.out or options.work / "results.json"
    for scene in scenes:
        with measure.Model(options.loadmodel, scene, model_options) as model:
            print(f"{scene}: {json.dumps(model.scene)}", flush=True)
            runs = []
            results["scenes"][scene] = {"scene": model.scene, "runs": runs}
            for _ in range(options.repeat):
                for tool in picked[scene]:
                    runs.append(measure.run(model, tool, options.work, options.time_limit))
                    show(runs[-1])
                    out.write_text(json.dumps(results, indent=1) + "\n")
    return out


def main():
    options = arguments()
    paths = options.report or [measured(options)]
    path = paths[0]
    results = report.merged([json.loads(path.read_text()) for path in paths])
    markdown = options.markdown or path.with_suffix(".md")
    svg = options.svg or path.with_suffix(".svg")
    svg.write_text(chart.draw(results))
    markdown.write_text(report.markdown(results, os.path.relpath(svg, markdown.parent)))
    print(f"{path}, {markdown}, {svg}", file=sys.stderr)


if __name__ == "__main__":
    main()
