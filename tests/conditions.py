"""Strategies of conditions for property tests."""

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


def conditions(numbers: st.SearchStrategy[float], windows: st.SearchStrategy[float]) -> st.SearchStrategy[Condition]:
    """Conditions on two numeric signals and a switch, with these numbers and windows in seconds."""
    names = st.sampled_from(NUMERIC)
    measures: st.SearchStrategy[Measure] = st.one_of(
        names.map(Signal), st.builds(Rate, names, windows), st.builds(Integral, names, windows)
    )
    quantities = numbers.map(lambda value: Number(value, "K"))
    comparisons = st.one_of(
        st.builds(Comparison, measures, st.sampled_from(RELATIONS), st.one_of(quantities, measures)),
        st.builds(Comparison, st.just(Signal(SWITCH)), st.sampled_from(("==", "!=")), st.booleans()),
    )

    def wholes(terms: st.SearchStrategy[Condition]) -> st.SearchStrategy[Condition]:
        several = st.lists(terms, min_size=2, max_size=3).map(tuple)
        return st.one_of(
            terms.map(Not),
            several.map(And),
            several.map(Or),
            st.builds(Held, terms, windows),
            several.flatmap(lambda items: st.integers(1, len(items)).map(lambda needed: Vote(needed, items))),
        )

    return st.recursive(comparisons, wholes, max_leaves=6)
