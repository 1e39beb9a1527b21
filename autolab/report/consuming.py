"""What a campaign has used up, against what the dry runs foresaw."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from autolab.report.canvas import panels
from autolab.report.facts import Facts
from autolab.report.figures import MEASURED, whole_ticks
from autolab.report.numbers import number_text

__all__ = ["HEADER", "Consumption", "consumption", "consumption_figure", "consumption_rows", "consumption_text"]

_FAINT = "rgba(141,153,171,0.4)"
HEADER = ("material", "foreseen", "used", "used over foreseen", "trials", "without a forecast")


@dataclass(frozen=True, slots=True)
class Consumption:
    """What the trials of a campaign poured of one material, in microlitres."""

    material: str
    used: tuple[tuple[int, float], ...]
    """By trial, in their order: what was poured, also by attempts that failed."""
    foreseen: tuple[tuple[int, float | None], ...]
    """By the same trials: the most that the dry run of one attempt foresaw; None where there was no dry run."""

    @property
    def compared(self) -> tuple[float, float]:
        """Foreseen and used in all, over the trials with a forecast."""
        known = [(f, u) for (_, f), (_, u) in zip(self.foreseen, self.used, strict=True) if f is not None]
        return math.fsum(f for f, _ in known), math.fsum(u for _, u in known)


def consumption(facts: Facts) -> list[Consumption]:
    """What was used of each material, by name; nothing where no action uses material."""
    used: dict[str, dict[int, float]] = defaultdict(dict)
    for intent in facts.intents:
        material, volume_ul = intent.action.get("material"), intent.action.get("volume_ul")
        if not isinstance(material, str) or not isinstance(volume_ul, int | float) or intent.state == "void":
            continue
        really = volume_ul if intent.used_ul is None else intent.used_ul
        used[material][intent.trial] = used[material].get(intent.trial, 0.0) + really
    needs = {t.number: t.verdict.needs_ul for t in facts.trials if t.verdict is not None}
    found: list[Consumption] = []
    for material, by_trial in sorted(used.items()):
        pairs = sorted(by_trial.items())
        foreseen = ((trial, needs.get(trial)) for trial, _ in pairs)
        said = tuple((trial, None if need is None else need.get(material, 0.0)) for trial, need in foreseen)
        found.append(Consumption(material, tuple(pairs), said))
    return found


def consumption_text(found: list[Consumption]) -> str:
    """What the figure shows, in words."""
    said = "Volume poured by the trials so far, of each material"
    if all(need is None for each in found for _, need in each.foreseen):
        return f"{said}. No dry run of the plan could foresee it."
    foreseen = "the broad pale line is what the dry runs of their plans foresaw"
    return f"{said}; {foreseen}. More is used where an attempt is repeated."


def consumption_figure(found: list[Consumption]) -> go.Figure:
    """One panel a material: what was used up to each trial, and what was foreseen."""
    figure, place = panels([f"{each.material} [mL]" for each in found])
    for index, each in enumerate(found):
        row, column = place(index)
        used, needs = [amount for _, amount in each.used], [need for _, need in each.foreseen]
        known = [need for need in needs if need is not None]
        lines: list[tuple[str, list[float], dict[str, Any]]] = [("used", used, {"color": MEASURED, "width": 2})]
        if len(known) == len(needs):
            lines.insert(0, ("foreseen", known, {"color": _FAINT, "width": 8}))
        for name, amounts, line in lines:
            figure.add_trace(
                go.Scatter(
                    name=name,
                    x=[0, *(trial for trial, _ in each.used)],
                    y=_running(amounts),
                    mode="lines",
                    line=line,
                    legendgroup=name,
                    showlegend=index == 0,
                    hovertemplate=f"trial %{{x}}: %{{y:.4g}} mL {name}<extra></extra>",
                ),
                row=row,
                col=column,
            )
        figure.update_yaxes(rangemode="tozero", row=row, col=column)
        figure.update_xaxes(**whole_ticks(max(trial for trial, _ in each.used)), row=row, col=column)
    figure.update_layout(legend={"y": 1.08}, margin={"t": 64})
    return figure


def consumption_rows(found: list[Consumption]) -> tuple[tuple[str, ...], ...]:
    """A line for each material, in the order of `HEADER`."""
    rows: list[tuple[str, ...]] = []
    for each in found:
        foreseen, used = each.compared
        missing = sum(need is None for _, need in each.foreseen)
        total = math.fsum(amount for _, amount in each.used)
        is_known = missing < len(each.used)
        share = f"{100 * used / foreseen:.1f} %" if is_known and foreseen > 0 else "–"
        rows.append(
            (
                each.material,
                f"{number_text(foreseen / 1000)} mL" if is_known else "–",
                f"{number_text(total / 1000)} mL",
                share,
                str(len(each.used)),
                str(missing),
            )
        )
    return tuple(rows)


def _running(amounts_ul: list[float]) -> list[float]:
    """Nothing, and the sums up to each, in millilitres."""
    return [total / 1000.0 for total in itertools.accumulate(amounts_ul, initial=0.0)]
