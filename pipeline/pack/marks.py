"""Small drawings inside tables and cases: marks in the page itself, with a text for readers."""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup, escape


def _drawing(width: float, height: float, alt: str, body: str) -> Markup:
    return Markup(  # numbers and class names only; the text is escaped
        f'<svg class="mark" viewBox="0 0 {width:g} {height:g}" width="{width:g}"'
        f' height="{height:g}" role="img" aria-label="{escape(alt)}">{body}</svg>'
    )


def bars(shares: Sequence[float], alt: str) -> Markup:
    """Draw a tiny bar chart of shares (0-1) over the scale; missing ones are left open."""
    height, each = 26.0, 11.0
    top = max([share for share in shares if not math.isnan(share)] or [1.0]) or 1.0
    parts = [f'<line class="m-axis" x1="0" x2="{each * len(shares):g}" y1="25.5" y2="25.5"/>']
    for number, share in enumerate(shares):
        if math.isnan(share) or share <= 0:
            continue
        tall = max(1.0, share / top * 23)
        parts.append(
            f'<rect class="m-bar" x="{number * each + 1:g}" y="{25 - tall:.1f}"'
            f' width="{each - 2:g}" height="{tall:.1f}"/>'
        )
    return _drawing(each * len(shares), height, alt, "".join(parts))


def strip(
    values: Sequence[float],
    ends: tuple[float, float],
    alt: str,
    *,
    others: Sequence[float] = (),
    band: tuple[float, float] | None = None,
    mean: float | None = None,
    points: Sequence[float] = (),
    width: float = 170.0,
) -> Markup:
    """Draw values on the rating scale: dots, open dots for others, a band and a mean."""
    low, high = ends
    inner = width - 16

    def x(value: float) -> float:
        return 8 + inner * (min(max(value, low), high) - low) / (high - low)

    parts = [f'<line class="m-axis" x1="8" x2="{width - 8:g}" y1="12" y2="12"/>']
    if len(points) <= 11:
        parts += [
            f'<line class="m-tick" x1="{x(p):.1f}" x2="{x(p):.1f}" y1="9" y2="15"/>' for p in points
        ]
    if band is not None:
        left, right = x(band[0]), x(band[1])
        parts.append(
            f'<rect class="m-band" x="{left:.1f}" y="6" width="{max(1, right - left):.1f}"'
            ' height="12"/>'
        )
    if mean is not None:
        parts.append(f'<line class="m-mean" x1="{x(mean):.1f}" x2="{x(mean):.1f}" y1="4" y2="20"/>')
    parts += [f'<circle class="m-dot-other" cx="{x(v):.1f}" cy="12" r="4"/>' for v in others]
    parts += [f'<circle class="m-dot" cx="{x(v):.1f}" cy="12" r="4.6"/>' for v in values]
    return _drawing(width, 24, alt, "".join(parts))


def sparkline(values: Sequence[float], ends: tuple[float, float], alt: str) -> Markup:
    """Draw values one after another between the ends of the scale; the last one with a dot."""
    low, high = ends
    width, height = 84.0, 24.0
    step = (width - 12) / max(1, len(values) - 1)
    known = [
        (6 + step * at, height - 4 - (height - 8) * (value - low) / (high - low))
        for at, value in enumerate(values)
        if not math.isnan(value)
    ]
    parts = [
        f'<line class="m-rule" x1="0" x2="{width:g}" y1="{y:g}" y2="{y:g}"/>'
        for y in (4, height - 4)
    ]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in known)
    parts.append(f'<polyline class="m-line" points="{path}"/>')
    parts += [f'<circle class="m-past" cx="{x:.1f}" cy="{y:.1f}" r="1.8"/>' for x, y in known[:-1]]
    parts += [f'<circle class="m-dot" cx="{x:.1f}" cy="{y:.1f}" r="3.4"/>' for x, y in known[-1:]]
    return _drawing(width, height, alt, "".join(parts))


def interval(
    value: float,
    low: float,
    high: float,
    reach: float,
    alt: str,
    *,
    band: tuple[float, float] | None = None,
    width: float = 150.0,
) -> Markup:
    """Draw an estimate with its interval around zero, from -reach to reach, and a calm zone."""
    inner = width - 12

    def x(at: float) -> float:
        return 6 + inner * (min(max(at, -reach), reach) + reach) / (2 * reach)

    parts = []
    if band is not None:
        parts.append(
            f'<rect class="m-band" x="{x(band[0]):.1f}" y="3" width="{x(band[1]) - x(band[0]):.1f}"'
            ' height="18"/>'
        )
    parts.append(f'<line class="m-axis" x1="{x(0):.1f}" x2="{x(0):.1f}" y1="2" y2="22"/>')
    parts.append(f'<line class="m-mean" x1="{x(low):.1f}" x2="{x(high):.1f}" y1="12" y2="12"/>')
    parts.append(f'<circle class="m-dot" cx="{x(value):.1f}" cy="12" r="4.2"/>')
    return _drawing(width, 24, alt, "".join(parts))


def share_bar(share: float, alt: str, width: float = 90.0) -> Markup:
    """Draw a share (0-1) as a filled bar."""
    filled = width * min(max(share, 0.0), 1.0)
    return _drawing(
        width,
        12,
        alt,
        f'<rect class="m-rest" x="0" y="2" width="{width:g}" height="8"/>'
        f'<rect class="m-bar" x="0" y="2" width="{filled:.1f}" height="8"/>',
    )


def timeline(parts: Sequence[tuple[str, float, str]], alt: str, width: float = 900.0) -> Markup:
    """Draw minutes one after another: (word, minutes, tone a-d)."""
    total = sum(minutes for _, minutes, _ in parts) or 1.0
    body, at = [], 0.0
    for word, minutes, tone in parts:
        wide = width * minutes / total
        on = "m-text-on" if tone in ("a", "b") else "m-text-dark"
        body.append(
            f'<rect class="m-time-{tone}" x="{at:.1f}" y="0" width="{max(wide - 2, 1):.1f}"'
            ' height="30"/>'
        )
        text = f"{word} · {minutes:.0f}"
        if wide < 6.6 * len(text) + 14:
            text = f"{minutes:.0f}"
        if wide >= 8 * len(text) + 10:
            body.append(f'<text class="{on}" x="{at + 8:.1f}" y="19.5">{escape(text)}</text>')
        at += wide
    return _drawing(width, 30, alt, "".join(body))
