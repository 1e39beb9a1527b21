"""Runs the campaigns of a backtest in worker processes: only these import what the engines need."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context

import numpy as np

from autolab.compose.backtestscores import Losses
from autolab.core.errors import ProposerError
from autolab.core.proposing import EngineSpec
from optimizer.replay import engine_ask, replay
from optimizer.world import World

__all__ = ["replayed"]

_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
_worlds: list[World] = []
"""In a worker: the world of all its runs."""


def replayed(
    world: World,
    engines: Sequence[EngineSpec],
    seeds: Sequence[int],
    trials: int,
    lanes: int,
    jobs: int,
    done: Callable[[int, int], None],
) -> dict[str, Losses]:
    """True losses of each engine, shape ``(seeds, trials)``. Their order depends on nothing but the arguments.

    Args:
        world: Answers.
        engines: What suggests.
        seeds: One for each run, the same for all engines.
        trials: Trials of a run.
        lanes: Trials that are in flight when the next is suggested.
        jobs: Worker processes.
        done: Called after each run.

    Raises:
        ProposerError: an engine could not make a suggestion, or a worker died.
    """
    jobs_left: dict[Future[tuple[float, ...]], tuple[str, int]] = {}
    found: dict[tuple[str, int], tuple[float, ...]] = {}
    with _one_thread_each(), ProcessPoolExecutor(jobs, get_context("spawn"), _begin, (world,)) as workers:
        try:
            for row, seed in enumerate(seeds):
                for engine in engines:
                    future = workers.submit(_run, engine, seed, trials, lanes)
                    jobs_left[future] = (engine.name, row)
            for number, future in enumerate(as_completed(jobs_left), start=1):
                found[jobs_left[future]] = future.result()
                done(number, len(jobs_left))
        except BrokenProcessPool:
            raise ProposerError(
                "a worker process of the backtest died, perhaps for want of memory: use fewer --jobs"
            ) from None
        except BaseException:
            workers.shutdown(wait=False, cancel_futures=True)
            raise
    return {engine.name: np.array([found[engine.name, row] for row in range(len(seeds))]) for engine in engines}


def _begin(world: World) -> None:
    _worlds[:] = [world]


def _run(engine: EngineSpec, seed: int, trials: int, lanes: int) -> tuple[float, ...]:
    (world,) = _worlds
    return replay(world, engine_ask(world.problem, engine, seed), seed, trials, lanes).losses


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Workers that start inside have one thread for their arithmetic."""
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
