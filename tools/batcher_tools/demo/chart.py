"""A line or an area over time, as SVG that page.js can point into."""

import html
import math
from dataclasses import dataclass

_WIDTH, _HEIGHT = 960, 190
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 14, 30, 26


@dataclass
class Span:
    """A stretch of time with a shade; `label` is written into it where there is room."""

    start: float
    end: float
    kind: str
    label: str


def ticks(low: float, high: float, wanted: int = 4) -> list[float]:
    """-> round numbers from low to high, about `wanted` of them."""
    step = 10 ** math.floor(math.log10((high - low) / wanted))
    step *= next(m for m in (1, 2, 2.5, 5, 10) if (high - low) / (step * m) <= wanted)
    return [i * step for i in range(math.ceil(low / step), math.floor(high / step + 1e-9) + 1)]


class Chart:
    """`points`: [(seconds, value or None)], a None breaks the line."""

    def __init__(self, title, unit, points, seconds, spans, area=False, from_zero=False):
        self.title, self.unit, self.points = title, unit, points
        self.seconds, self.spans, self.area = seconds, spans, area
        values = [value for _, value in points if value is not None] or [0.0]
        low, high = min(values), max(values)
        if area or from_zero:
            low = min(0.0, low)
        slack = (high - low) * 0.08 or max(abs(high) * 0.01, 0.5)
        self.high = high + slack
        self.low = low if area or from_zero else low - slack

    def x(self, seconds: float) -> float:
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * seconds / self.seconds

    def y(self, value: float) -> float:
        inner = _HEIGHT - _TOP - _BOTTOM
        return _TOP + inner * (self.high - value) / (self.high - self.low)

    def svg(self, marks=()) -> str:
        """`marks`: seconds at which a short stroke stands on the time axis."""
        floor = _HEIGHT - _BOTTOM
        parts = []
        for span in self.spans:
            x, end = self.x(span.start), self.x(span.end)
            parts.append(
                f'<rect class="{span.kind}" x="{x:.1f}" y="{_TOP}" width="{end - x:.1f}" '
                f'height="{floor - _TOP}"/>'
            )
            if end - x > 70:
                middle = f"{(x + end) / 2:.1f}"
                parts.append(f'<text class="span" x="{middle}" y="{_TOP + 13}">{span.label}</text>')
        levels = ticks(self.low, self.high)
        digits = max(0, -math.floor(math.log10(levels[1] - levels[0]))) if len(levels) > 1 else 1
        for value in levels:
            y = self.y(value)
            parts.append(f'<path class="grid" d="M{_LEFT} {y:.1f}H{_WIDTH - _RIGHT}"/>')
            text = f"{value:,.{digits}f}"
            parts.append(f'<text class="level" x="{_LEFT - 8}" y="{y + 4:.1f}">{text}</text>')
        for second in ticks(0, self.seconds, 10):
            x = self.x(second)
            parts.append(f'<text class="second" x="{x:.1f}" y="{_HEIGHT - 8}">{second:g} s</text>')
        parts.append(self._curve(floor))
        for mark in marks:
            if 0 <= mark <= self.seconds:
                x = self.x(mark)
                parts.append(f'<path class="mark" d="M{x:.1f} {floor - 7}V{floor + 3}"/>')
        data = ";".join(f"{t:.2f},{value:.6g}" for t, value in self.points if value is not None)
        return (
            f'<figure><svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
            f'aria-label="{html.escape(self.title)}" data-points="{data}" '
            f'data-unit="{html.escape(self.unit)}" data-seconds="{self.seconds}" '
            f'data-low="{self.low}" data-high="{self.high}" '
            f'data-box="{_LEFT},{_WIDTH - _RIGHT},{_TOP},{floor}">'
            f'<text class="title" x="{_LEFT}" y="18">{html.escape(self.title)}'
            f'<tspan class="unit" dx="8">{html.escape(self.unit)}</tspan></text>'
            f'<text class="value" x="{_WIDTH - _RIGHT}" y="18"></text>'
            f"{''.join(parts)}</svg></figure>"
        )

    def _curve(self, floor: float) -> str:
        strokes, pen = [], "M"
        for seconds, value in self.points:
            if value is None:
                pen = "M"
                continue
            strokes.append(f"{pen}{self.x(seconds):.1f} {self.y(value):.1f}")
            pen = "L"
        if not strokes:
            return ""
        line = "".join(strokes)
        fill = ""
        if self.area:
            first, last = self.x(self.points[0][0]), self.x(self.points[-1][0])
            fill = f'<path class="area" d="{line}L{last:.1f} {floor}L{first:.1f} {floor}Z"/>'
        return f'{fill}<path class="line" d="{line}"/>'
