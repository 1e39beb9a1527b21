"""Work by hand: a plan has a person do something, and a whole campaign can be done by people."""

# Bluesky's plan stubs are annotated in part only.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import bluesky.preprocessors as bpp
from bluesky.utils import Msg, MsgGenerator

from autolab.core.data import TrialData
from autolab.core.operations import Operations
from autolab.core.parameters import Value
from autolab.core.samples import Sample
from autolab.core.trials import Estimate, Outcome
from devices.people import Do, Person
from plans.conventions import act
from plans.reducers import reducer

__all__ = ["answered", "ask", "by_hand"]


def ask(
    person: Person,
    name: str,
    instruction: str,
    results: Sequence[str] = (),
    *,
    operations: Operations,
    picture: str | None = None,
) -> MsgGenerator[None]:
    """Have a person do something, and wait until they say that it is done. After a crash only what was not answered is
    asked again.

    Args:
        person: Who is asked, a device of the lab.
        name: Name of the phase, a slug of at most 14 characters, unique in the plan.
        instruction: What to do.
        results: Names of the results to type in or scan, as the lab file declares them.
        operations: Names the actions.
        picture: File or address of a picture that shows how.
    """
    yield from act(person, Do(operations(name), instruction, tuple(results), picture=picture))


def by_hand(
    technician: Person,
    *,
    operations: Operations = Operations(),  # noqa: B008 (a frozen value)
    sample: Sample | None = None,
    md: Mapping[str, Any] | None = None,
    **parameters: Value,
) -> MsgGenerator[str]:
    """A trial that a person does: they are told the values, and type in each result that the lab file declares.

    Args:
        technician: Does it.
        operations: Names the actions.
        sample: Recorded where there is one.
        md: Metadata for the start document.
        parameters: A value for each parameter that the lab file declares for the technician, in its unit.

    Returns:
        Uid of the run.
    """
    about = {} if sample is None else {"sample": sample.id}

    def body() -> MsgGenerator[None]:
        yield from act(technician, Do(operations("by-hand"), values=dict(parameters)))
        yield Msg("create", None, name="primary")
        yield Msg("read", technician)
        yield Msg("save")

    return (yield from bpp.run_wrapper(body(), md={"plan_name": "by_hand", **about, **(md or {})}))


@reducer(metrics=None)
def answered(data: TrialData) -> Outcome:
    """The numbers that the technician typed in, each with no standard error: one reading has none."""
    names = str(data.configuration("technician_numbers")).split(",")
    return {name: Estimate(float(data.column(f"technician_{name}").mean())) for name in names}
