"""The profile of the dimensions as a picture: scores, intervals, and what the next level asks for.

It is drawn in SVG by hand and needs no colour: a filled mark has what the next level asks for, an open one has not.
"""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup, escape

from facility_review.parts import DimensionLine

__all__ = ["profile_picture"]

_LEFT, _WIDTH, _ROW, _TOP = 300.0, 440.0, 32.0, 44.0
"""Place and size of the plot, in units of the picture."""
_RIGHT = _LEFT + _WIDTH
_MOST = 36
"""Letters of a name that fit before the plot."""
_STYLE = 'font-family="system-ui,-apple-system,Segoe UI,Roboto,DejaVu Sans,sans-serif" fill="#1a2029"'


def profile_picture(dimensions: Sequence[DimensionLine], next_level: str | None) -> Markup:
    """The picture as an SVG element, with a title and a description for those who do not see it."""
    height = _TOP + _ROW * len(dimensions) + 48
    rows = [part for index, each in enumerate(dimensions) for part in _row(each, _TOP + _ROW * index)]
    svg = [
        f'<svg viewBox="0 0 960 {height:g}" role="img" aria-labelledby="picture-title picture-text" {_STYLE} '
        'font-size="14">',
        '<title id="picture-title">Profile of the dimensions</title>',
        f'<desc id="picture-text">{escape(_words(dimensions, next_level))}</desc>',
        *_axis(height - 48),
        *rows,
        *_legend(height - 16, next_level),
        "</svg>",
    ]
    return Markup("\n".join(svg))  # noqa: S704 (our own marks; every text in them is escaped)


def _at(score: float) -> float:
    return _LEFT + _WIDTH * score / 5


def _axis(bottom: float) -> list[str]:
    lines: list[str] = []
    for score in range(6):
        x = _at(score)
        lines.append(f'<line x1="{x:g}" y1="{_TOP - 8:g}" x2="{x:g}" y2="{bottom:g}" stroke="#c9ced6"/>')
        lines.append(f'<text x="{x:g}" y="{_TOP - 16:g}" text-anchor="middle" font-size="13">{score}</text>')
    return lines


def _row(line: DimensionLine, top: float) -> list[str]:
    y = top + _ROW / 2
    parts = [
        f'<text x="0" y="{y + 5:g}" font-weight="650">{escape(line.id)}</text>',
        f'<text x="44" y="{y + 5:g}" font-size="13">{escape(_short(line.name))}</text>',
    ]
    if line.score is None:
        return [*parts, f'<text x="{_RIGHT + 14:g}" y="{y + 5:g}">not applicable</text>']
    x = _at(line.score)
    parts.append(f'<line x1="{_LEFT:g}" y1="{y:g}" x2="{x:g}" y2="{y:g}" stroke="#9aa3b0" stroke-width="6"/>')
    if line.interval is not None:
        low, high = (_at(bound) for bound in line.interval)
        ends = "".join(f"M{bound:g} {y - 6:g}v12" for bound in (low, high))
        parts.append(f'<path d="M{low:g} {y:g}H{high:g}{ends}" stroke="#1a2029" stroke-width="2" fill="none"/>')
    is_met = line.next_minimum is None or line.score >= line.next_minimum
    fill = "#1a2029" if is_met else "#ffffff"
    parts.append(f'<circle cx="{x:g}" cy="{y:g}" r="6" fill="{fill}" stroke="#1a2029" stroke-width="2"/>')
    if line.next_minimum is not None:
        parts.append(_mark(_at(line.next_minimum), y))
    interval = "" if line.interval is None else f"  [{line.interval[0]:.2f}, {line.interval[1]:.2f}]"
    short = "" if is_met or line.next_minimum is None else f"  short {line.next_minimum - line.score:.2f}"
    weight = ' font-weight="650"' if short else ""
    text = f"{line.score:.2f}{interval}{short}"
    parts.append(f'<text x="{_RIGHT + 14:g}" y="{y + 5:g}" font-size="13"{weight}>{text}</text>')
    return parts


def _mark(x: float, y: float) -> str:
    """A triangle that hangs from above: the least that the next level asks for."""
    return f'<path d="M{x - 6:g} {y - 15:g}h12l-6 9z" fill="#1a2029"/>'


def _legend(y: float, next_level: str | None) -> list[str]:
    asked = f"asked for by {next_level}" if next_level else ""
    entries = [
        f'<circle cx="{_LEFT + 6:g}" cy="{y - 5:g}" r="6" fill="#1a2029" stroke="#1a2029" stroke-width="2"/>',
        f'<text x="{_LEFT + 20:g}" y="{y:g}" font-size="13">score, enough</text>',
        f'<circle cx="{_LEFT + 136:g}" cy="{y - 5:g}" r="6" fill="#ffffff" stroke="#1a2029" stroke-width="2"/>',
        f'<text x="{_LEFT + 150:g}" y="{y:g}" font-size="13">score, short</text>',
        f'<path d="M{_LEFT + 252:g} {y - 5:g}h34m-34 -6v12m34 -12v12" stroke="#1a2029" stroke-width="2" fill="none"/>',
        f'<text x="{_LEFT + 294:g}" y="{y:g}" font-size="13">90 % interval</text>',
    ]
    if asked:
        entries.append(_mark(_LEFT + 408, y + 5))
        entries.append(f'<text x="{_LEFT + 420:g}" y="{y:g}" font-size="13">{escape(asked)}</text>')
    return entries


def _short(name: str) -> str:
    return name if len(name) <= _MOST else name[: _MOST - 1].rstrip(" ,") + "…"


def _words(dimensions: Sequence[DimensionLine], next_level: str | None) -> str:
    known = [f"{each.id} {each.score:.2f}" for each in dimensions if each.score is not None]
    short = [
        each.id
        for each in dimensions
        if each.score is not None and each.next_minimum is not None and each.score < each.next_minimum
    ]
    lack = f" Short of what {next_level} asks for: {', '.join(short) or 'none'}." if next_level else ""
    return f"Scores from 0 to 5: {', '.join(known)}.{lack}"
