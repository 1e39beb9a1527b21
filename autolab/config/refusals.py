"""Refusals of one file, raised together."""

from __future__ import annotations

from collections.abc import Sequence

from autolab.core.errors import FileError, InputErrors

__all__ = ["MOST_REPORTED", "raise_refusals"]

MOST_REPORTED = 50
"""Refusals that are reported at once; the rest are counted."""


def raise_refusals(file: str, refusals: Sequence[FileError]) -> None:
    """Raise what was found: nothing, the one refusal, or all of them in the order of the file.

    Args:
        file: Path of the file, as the person named it.
        refusals: What was found.

    Raises:
        FileError: there is one refusal.
        InputErrors: there are several.
    """
    if len(refusals) == 1:
        raise refusals[0]
    if not refusals:
        return
    in_order = sorted(refusals, key=lambda error: error.line or 0)
    n_more = len(in_order) - MOST_REPORTED
    if n_more > 0:
        more = FileError(file, None, f"{n_more} more problems were found: mend these first, and check the file again")
        raise InputErrors([*in_order[:MOST_REPORTED], more])
    raise InputErrors(in_order)
