"""Strategies of conditions and signals for property tests."""

from __future__ import annotations

from hypothesis import strategies as st

from autolab.core.interlocks import (
    And,
    Comparison,
    Condition,
    Held,
    Integral,
    Measure,
    Not,
    Number,
    Or,
    Rate,
    Relation,
    Signal,
    Vote,
)

NUMERIC = ("bath.temperature", "lamp.power")
SWITCH = "door.closed"
RELATIONS: tuple[Relation, ...] = ("<", "<=", ">", ">=", "==", "!=")
windows = st.sampled_from([0.5, 1.0, 2.0, 60.0, 90.0, 3600.0])


def _measures() -> st.SearchStrategy[Measure]:
    names = st.sampled_from(NUMERIC)
    return st.one_of(names.map(Signal), st.builds(Rate, names, windows), st.builds(Integral, names, windows))


numbers = st.floats(-1e6, 1e6, allow_nan=False).map(lambda value: Number(value, "K"))
comparisons = st.one_of(
    st.builds(Comparison, _measures(), st.sampled_from(RELATIONS), numbers),
    st.builds(Comparison, st.just(Signal(SWITCH)), st.sampled_from(("==", "!=")), st.booleans()),
)


def _wholes(terms: st.SearchStrategy[Condition]) -> st.SearchStrategy[Condition]:
    several = st.lists(terms, min_size=2, max_size=3).map(tuple)
    return st.one_of(
        terms.map(Not),
        several.map(And),
        several.map(Or),
        st.builds(Held, terms, windows),
        several.flatmap(lambda items: st.integers(1, len(items)).map(lambda needed: Vote(needed, items))),
    )


conditions: st.SearchStrategy[Condition] = st.recursive(comparisons, _wholes, max_leaves=6)
