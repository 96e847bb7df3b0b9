"""A chart of what each tool reaches, as SVG: bars, a panel a scene. Readable on light and on dark pages."""

from xml.sax.saxutils import escape

from report import rows

STYLE = """
text { font: 13px system-ui, sans-serif; fill: #24292f; }
.title { font-weight: 600; }
.note { fill: #57606a; }
.bar { fill: #8c959f; }
.own { fill: #0969da; }
.failed { fill: none; stroke: #8c959f; stroke-dasharray: 3 3; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; }
  .note { fill: #9198a1; }
  .bar { fill: #6e7681; }
  .own { fill: #4493f8; }
  .failed { stroke: #6e7681; fill: none; }
}
"""
WIDTH, LABEL, BAR, LINE, VALUE = 760, 110, 340, 22, 8


def measure(scene, row):
    """(what is drawn, how it reads). More is better, except where there is nothing to copy."""
    if scene["filled"]:
        return row.wall, f"{row.wall:.2f} s, {row.requests:,.0f} requests, {row.peak:,.0f} MiB"
    speed = (row.objects - row.missing) / row.wall
    shown = f"{speed:,.0f}" if speed >= 10 else f"{speed:.1f}"
    near = "" if scene["latency_ms"] == 0 or row.nearness is None else f", {row.nearness:.2f} of its bound"
    return speed, f"{shown} ({row.wall:.1f} s{near})"


def heading(scene):
    if scene["filled"]:
        return "seconds to find that there is nothing to do; less is better"
    return "objects a second; more is better"


def draw(results):
    parts, y = [], 10
    for name, measured in results["scenes"].items():
        scene, found = measured["scene"], rows(results, name)
        if not found:
            continue
        y += 22
        parts.append(f'<text class="title" x="10" y="{y}">{escape(name)}</text>')
        parts.append(f'<text class="note" x="{LABEL + 10}" y="{y}">{escape(heading(scene))}</text>')
        values = {tool: measure(scene, row) for tool, row in found.items()}
        longest = max(value for value, _ in values.values()) or 1
        for tool, (value, text) in values.items():
            y += LINE
            whole = found[tool].complete and found[tool].right
            kind = "failed" if not whole else "own" if tool.startswith("flex") else "bar"
            length = max(1, BAR * value / longest)
            parts.append(f'<text x="{LABEL}" y="{y}" text-anchor="end">{escape(tool)}</text>')
            parts.append(f'<rect class="{kind}" x="{LABEL + 10}" y="{y - 13}" width="{length:.1f}" height="16" rx="2"/>')
            note = "" if whole else f", {found[tool].state}" if found[tool].state != "yes" else ", content wrong"
            x = LABEL + 10 + length + VALUE
            parts.append(f'<text class="note" x="{x:.1f}" y="{y}">{escape(text + note)}</text>')
        y += 12
    height = y + 10
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img">'
    title = "<title>What flex and its peers reach against the load model</title>"
    return "\n".join([head, title, f"<style>{STYLE}</style>", *parts, "</svg>"]) + "\n"
