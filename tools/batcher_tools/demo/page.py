"""build/demo.html: the run as one self-contained page, inline SVG and no request to anywhere."""

import html
import json
from collections import defaultdict
from pathlib import Path

from .chart import Chart, Span

_UNITS = {"Cel": "°C", "%RH": "% RH", "Pa": "hPa", "lx": "lx", "V": "V", "A": "mA", "W": "mW"}
_FACTOR = {"Pa": 0.01, "A": 1000, "W": 1000}
_STYLE = Path(__file__).with_name("page.css")
_SCRIPT = Path(__file__).with_name("page.js")


def write_page(demo, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_page(demo))
    return path


def _page(demo) -> str:
    v, last = demo.verdict, demo.last
    spans = [
        Span(demo.outage[0], demo.hole, "refused", "refused"),
        Span(demo.hole, demo.outage[1], "hole", "black hole"),
    ]
    width = max([demo.seconds, *(r["at"] for r in demo.reports)])
    charts = []
    for series, fields in _readings(demo).items():
        for (name, unit), points in fields.items():
            shown = _UNITS.get(unit, unit)
            charts.append(Chart(f"{series} · {name}", shown, points, width, spans).svg())
    depth = [(r["at"], r["buffered"]) for r in demo.reports]
    arrivals = sorted({demo.when(row["received"]) for row in demo.rows})
    deep = Chart("readings waiting in memory", "readings", depth, width, spans, area=True)
    heap = [(r["at"], r["heap"] / 1024) for r in demo.reports]
    heap_chart = Chart("heap in use after collection", "KB", heap, width, spans, from_zero=True)
    tiles = [
        ("sampled", v.sampled, ""),
        ("delivered", v.delivered, ""),
        ("lost", v.lost, "bad" if v.lost else "good"),
        ("duplicates", v.duplicates, "bad" if v.duplicates else "good"),
        ("out of order", v.out_of_order, "bad" if v.out_of_order else "good"),
        ("heap growth", f"{v.heap_growth} B", "good" if v.heap_growth <= 0 else ""),
    ]
    away = demo.outage[1] - demo.outage[0]
    said = (
        f"For {away:.1f} of {demo.seconds:.0f} seconds nothing got through. "
        f"{last.get('high_water', 0)} readings waited in memory at most; "
        f"{last.get('errors', 0)} attempts failed; "
        f"{demo.repeats} readings came twice because an answer was lost, and were kept once."
    )
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Batcher demo: {v.delivered} of {v.sampled} readings</title>
<style>{_STYLE.read_text()}</style></head><body><main>
<header>
<p class="kicker">Batcher demo · {html.escape(demo.title)}</p>
<h1>{_headline(v)}</h1>
<p class="lead">{html.escape(said)}</p>
</header>
<section class="tiles">{"".join(_tile(*tile) for tile in tiles)}</section>
<section class="legend">
<span><i class="refused"></i>connections refused</span>
<span><i class="hole"></i>black hole: nothing answers</span>
<span><i class="tick"></i>a batch on the collector's disk</span>
<output id="at"></output>
</section>
<section><h2>The buffer</h2>{deep.svg(arrivals)}</section>
<section><h2>The readings, as the collector has them</h2>
<p class="note">The time is the board's time of measurement: there is no gap.</p>
{"".join(charts)}</section>
<section><h2>The board's memory</h2>{heap_chart.svg()}</section>
<section><h2>Counted</h2>{_table(demo)}</section>
<footer><code>{html.escape(v.line(demo.took))}</code></footer>
</main><script>{_SCRIPT.read_text()}</script></body></html>
"""


def _headline(v) -> str:
    if v.good:
        return "The network failed. <em>Nothing is missing.</em>"
    return f"{v.lost} lost, {v.duplicates} duplicates, {v.out_of_order} out of order"


def _tile(name: str, value, state: str) -> str:
    text = f"{value:,}" if isinstance(value, int) else value
    return f'<div class="tile {state}"><b>{text}</b><span>{name}</span></div>'


def _readings(demo) -> dict:
    """-> {series: {(field, unit): [(seconds, value or None)]}}, by time of measurement."""
    found: dict = defaultdict(lambda: defaultdict(list))
    # The board's clock against this machine's: from its reports, which carry both.
    offsets = [r["at"] - r["now"] / 1000 for r in demo.reports if "now" in r]
    offset = min(offsets) if offsets else 0.0
    for row in demo.rows:
        if row["fields"] is None or row["t"] is None:
            continue
        seconds = row["t"] / 1000 - demo.started if row["unix"] else row["t"] / 1000 + offset
        for (name, unit, scale), value in zip(row["fields"], row["value"], strict=False):
            if value is not None:
                value = value * 10**scale * _FACTOR.get(unit, 1)
            found[row["series"]][name, unit].append((seconds, value))
    for fields in found.values():
        for points in fields.values():
            points.sort(key=lambda point: point[0])
    return found


def _table(demo) -> str:
    rows = [
        f"<tr><td>{html.escape(series)}</td><td>{sampled}</td><td>{delivered}</td>"
        f"<td>{sampled - delivered}</td></tr>"
        for series, (sampled, delivered) in sorted(demo.verdict.by_series.items())
    ]
    head = "<tr><th>series</th><th>sampled</th><th>delivered</th><th>lost</th></tr>"
    config = {
        key: demo.last[key] for key in ("high_water", "retries", "errors") if key in demo.last
    }
    return f"<table>{head}{''.join(rows)}</table><!-- {html.escape(json.dumps(config))} -->"
