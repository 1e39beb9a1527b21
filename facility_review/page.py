"""The report of one unit: one HTML file that needs nothing else, in the order in which a reviewer asks."""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from importlib.resources import files

import jinja2
from markupsafe import Markup, escape

from autolab.report.numbers import number_text
from facility_review.backing import EvidenceLine, GapLine
from facility_review.document import AssessmentDocument
from facility_review.parts import CampaignMetric
from facility_review.picture import profile_picture

__all__ = ["readable", "render_page", "template"]

SYMBOLS = {"pass": "✓", "fail": "✗", "not demonstrated": "○", "not applicable": "–", "waived": "△"}
"""Marks of the states of gates, so that no state is told by colour alone."""
CONFORMANCE = {
    "full": "shown",
    "partial": "partly shown",
    "none": "not shown",
    "no_standard_exists": "no standard exists",
}
_CAMPAIGNS = 5
"""Campaigns whose own metrics the page holds; the document holds all."""
_NOTHING = 1e-9
"""Bounds nearer to zero are printed as zero."""
_LONG = 110
"""Letters of a reason that page one bears, and of a query that stands beside its record."""
_ID = re.compile(r"\b[a-z][a-z0-9]*(?:_[a-z0-9]+)+\b")
_ROW = re.compile(r"\b(?:[A-Z]{3}-\d{2}|G\d{2})\b")
_COMPARISONS = ((">=", "at least"), ("<=", "at most"), ("==", "exactly"), (">", "more than"), ("<", "less than"))
CONTENTS = (
    ("first", "Result"),
    ("answers", "Sec. 3(e)"),
    ("profile", "Dimensions"),
    ("metrics", "Metrics"),
    ("criteria", "Criteria"),
    ("gaps", "Gaps"),
    ("evidence", "Evidence"),
    ("method", "Method"),
    ("annual", "Sec. 6(a)"),
)
_LEFT_OUT = frozenset({"profile", "metrics", "criteria", "gaps", "evidence", "annual"})
"""Sections of which a redacted view holds nothing."""


def render_page(document: AssessmentDocument, changes: Sequence[str] = ()) -> str:
    """The report as HTML. The same document gives the same text.

    Args:
        document: The assessment, in full or redacted.
        changes: What changed since an earlier assessment, in sentences.
    """
    places = {each.id: f"E{number}" for number, each in enumerate(document.evidence_index, start=1)}
    queries = _queries(document)
    names = {each.id: each.title for each in document.criteria} | {each.id: each.name for each in document.metrics}
    return template().render(
        d=document,
        changes=changes,
        style=Markup(_part("page.css")),  # noqa: S704 (our own file)
        picture=profile_picture(document.dimensions, document.level.next),
        contents=_contents(document, changes),
        symbols=SYMBOLS,
        conformance=CONFORMANCE,
        places=places,
        known={each.id for each in document.criteria},
        path=set(document.gaps.path_to_next.gaps),
        campaign_metrics=_campaign_metrics(document),
        more_campaigns=max(len(_campaigns(document)) - _CAMPAIGNS, 0),
        gate_counts=_gate_counts(document),
        unmeasured=[each.name for each in document.metrics if each.value is None],
        expiring=_expiring(document, places),
        number=number_text,
        brief=_brief,
        two=_two,
        share=_share,
        interval=_interval,
        span=_span,
        said=_said,
        names=names,
        linked=functools.partial(_linked, document),
        queries=queries,
        asked=functools.partial(_asked, queries),
        gains=_gains,
    )


def _contents(document: AssessmentDocument, changes: Sequence[str]) -> list[tuple[str, str]]:
    """The sections of the page that hold something, by id and title."""
    left_out = _LEFT_OUT if document.marking.is_redacted else frozenset[str]()
    found = [(name, title) for name, title in CONTENTS if name not in left_out]
    return [*found, ("changes", "Changes")] if changes else found


def _campaigns(document: AssessmentDocument) -> list[str]:
    """Campaigns with metrics of their own, in the order of the document."""
    return list(dict.fromkeys(each.scope for each in document.profile.campaign_metrics if each.scope != "lab"))


def _campaign_metrics(document: AssessmentDocument) -> list[CampaignMetric]:
    """The metrics of the unit, then those of its newest campaigns that have a value."""
    newest = set(_campaigns(document)[-_CAMPAIGNS:])
    lines = document.profile.campaign_metrics
    whole = [each for each in lines if each.scope == "lab"]
    return [*whole, *(each for each in lines if each.scope in newest and each.value is not None)]


def _gate_counts(document: AssessmentDocument) -> str:
    if document.marking.is_redacted:
        return "The results of the gates are left out of this view."
    counts = Counter(each.state for each in document.gates)
    said = ", ".join(f"{counts[state]} {state}" for state in SYMBOLS if counts[state])
    holds = sum(each.kind == "hold" and each.state in ("fail", "not demonstrated") for each in document.gates)
    held = (
        f" {holds} of them {'is a hold gate' if holds == 1 else 'are hold gates'} that did not pass." if holds else ""
    )
    return f"{len(document.gates)} gates: {said}.{held}"


def _expiring(document: AssessmentDocument, places: dict[str, str]) -> str:
    ends = sorted(
        (each.counts_until, places[each.id]) for each in document.evidence_index if each.counts_until is not None
    )
    old = [place for end, place in ends if end < document.as_of]
    coming = [(end, place) for end, place in ends if end >= document.as_of]
    said = f"{len(old)} count less because of their age." if old else "None counts less because of its age."
    return f"{said} Next to lose weight: {coming[0][1]} after {coming[0][0]}." if coming else said


def _brief(reason: str) -> str:
    """A reason on page one: without the list at its end, which the section on method gives in full."""
    head, colon, _ = reason.partition(":")
    return f"{head} (see Method)" if colon and len(reason) > _LONG else reason


def readable(document: AssessmentDocument, text: str) -> str:
    """A sentence with the names of metrics in place of their ids, and comparisons in words."""
    names = {each.id: each.name for each in document.metrics}
    found = _ID.sub(lambda match: names.get(match.group(), match.group().replace("_", " ")), text)
    for sign, words in _COMPARISONS:
        found = found.replace(f" {sign} ", f" {words} ")
    return found


def _linked(document: AssessmentDocument, text: str) -> Markup:
    """A readable sentence in which each criterion and gate opens its row, where the page has it."""
    rows = {each.id for each in document.criteria} | {each.id for each in document.gates}
    found = str(escape(readable(document, text)))
    return Markup(  # noqa: S704 (escaped in the line above; the ids are the instrument's)
        _ROW.sub(lambda m: f'<a href="#{m.group()}">{m.group()}</a>' if m.group() in rows else m.group(), found)
    )


def _queries(document: AssessmentDocument) -> dict[str, str]:
    """The long queries with a short name each: one stands behind many records, and is printed once."""
    texts = dict.fromkeys(each.query.partition(" -- ")[0] for each in document.evidence_index)
    return {text: f"Q{number}" for number, text in enumerate((t for t in texts if len(t) > _LONG), start=1)}


def _asked(queries: Mapping[str, str], query: str) -> tuple[str, str]:
    """Short name of a query, and what it was narrowed to; no name for one that is short itself."""
    text, _, narrowed = query.partition(" -- ")
    return queries.get(text, ""), narrowed


def _two(score: float | None) -> str:
    return "none" if score is None else f"{score:.2f}"


def _share(value: float) -> str:
    return "100 %" if value == 1 else "0 %" if value == 0 else f"{value * 100:.1f} %"


def _interval(bounds: tuple[float, float] | None) -> str:
    if bounds is None:
        return "none"
    return " to ".join(number_text(0.0 if abs(bound) < _NOTHING else bound, 3) for bound in bounds)


def _span(bounds: tuple[float, float] | None) -> str:
    if bounds is None:
        return "none"
    low, high = (number_text(bound) for bound in bounds)
    return low if low == high else f"{low}–{high}"


def _said(line: EvidenceLine) -> str:
    """What a record says: a number with its n and interval, a step, a fact, or nothing that can be counted."""
    n = "n none" if line.n is None else f"n {line.n}"
    if line.successes is not None:
        n = f"{line.successes} of {n}"
    if line.value is not None:
        unit = f" {line.unit_of_measure}" if line.unit_of_measure else ""
        return f"{number_text(line.value)}{unit} ({n}, 90 % interval {_interval(line.interval)})"
    if line.step is not None:
        return f"step {line.step} of 5 ({n}, interval none)"
    if line.fact is not None:
        fact = number_text(line.fact) if isinstance(line.fact, float) else str(line.fact).lower()
        return f"{fact} ({n}, interval none)"
    return "nothing that can be counted"


def _gains(gap: GapLine) -> str:
    parts = [f"unlocks {gap.level_unlocked}"] if gap.level_unlocked else []
    if gap.delta_dimension:
        parts.append(f"dimension +{gap.delta_dimension:.2f}")
    if gap.delta_p_level:
        parts.append(f"probability of the next level +{gap.delta_p_level * 100:.1f} %")
    if gap.target_score > gap.current_score and not parts:
        parts.append(f"score {gap.current_score:.2f} to {gap.target_score:.2f}")
    return ", ".join(parts) or "nothing by itself"


@functools.cache
def template() -> jinja2.Template:
    """The template of the page, compiled once in a process."""
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(_part("page.html"))


def _part(name: str) -> str:
    return files("facility_review").joinpath(name).read_text(encoding="utf-8")
