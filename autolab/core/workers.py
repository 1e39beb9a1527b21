"""Work on many things at once, in processes that are forked from this one.

What the work needs is there in each process without being sent; only results are. Nothing that writes or listens may be
open when this is used: reviews and audits only read.
"""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from autolab.core.errors import AutolabError

__all__ = ["YOUNG", "in_processes", "n_processors"]

YOUNG = 50_000
"""Objects that a process makes before it looks for garbage: most of what it makes stays."""
_YOUNG_OF_A_WORKER = 10 * YOUNG
"""The same of a process that works for this one: it reads much, throws little away, and ends soon."""

Item = TypeVar("Item")
Result = TypeVar("Result")

_work: list[tuple[Callable[[Any], Any], Sequence[Any]]] = []
"""What a forked process has to do: the function, and all items."""


def n_processors() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0))


def in_processes(function: Callable[[Item], Result], items: Sequence[Item], processes: int) -> list[Result]:
    """What a function gives for each item, in their order.

    Args:
        function: The work; what it changes stays in the process that it runs in.
        items: To work on.
        processes: How many at a time; with 1, or one item, all is done here.

    Raises:
        AutolabError: a process was killed, as where the memory is used up. What the function raises comes through.
    """
    if processes < 2 or len(items) < 2:
        return [function(item) for item in items]
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool
    from multiprocessing import get_context

    n = min(processes, len(items))
    try:
        with ProcessPoolExecutor(n, get_context("fork"), _begin, (function, items)) as pool:
            return list(pool.map(_do, range(len(items))))
    except BrokenProcessPool as error:
        raise AutolabError(
            f"one of {n} processes was killed from outside, perhaps because the memory was used up: work on fewer at a "
            "time, or on a machine with more memory"
        ) from error


def _begin(function: Callable[[Any], Any], items: Sequence[Any]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's affair: it ends the others
    gc.freeze()  # what the parent made stays, so that nobody looks for garbage in it, nor copies its pages by looking
    gc.set_threshold(_YOUNG_OF_A_WORKER)
    _work[:] = [(function, items)]


def _do(place: int) -> Any:
    function, items = _work[0]
    return function(items[place])
