"""Work in several processes: the same answers in the same order, and no process that is lost in silence."""

from __future__ import annotations

import os
import signal

import pytest

from autolab.core.errors import AutolabError, FileError
from autolab.core.workers import in_processes, n_processors


@pytest.mark.parametrize("processes", [1, 2, 5])
def test_answers_come_in_the_order_of_the_items(processes: int) -> None:
    offset = 100  # needs no pickling: the processes are forked
    assert in_processes(lambda item: item * item + offset, range(20), processes) == [n * n + 100 for n in range(20)]
    assert in_processes(lambda item: item, [], processes) == []


def test_one_process_or_one_item_is_done_here_and_more_are_not() -> None:
    assert in_processes(lambda _: os.getpid(), [1, 2], 1) == [os.getpid()] * 2
    assert in_processes(lambda _: os.getpid(), [1], 2) == [os.getpid()]
    assert os.getpid() not in in_processes(lambda _: os.getpid(), [1, 2], 2)
    assert n_processors() >= 1


def test_a_refusal_comes_through_with_its_place() -> None:
    def refuse(item: int) -> int:
        if item == 3:
            raise FileError("lab.yaml", 7, "wants a unit")
        return item

    with pytest.raises(FileError, match=r"^lab.yaml:7: wants a unit$"):
        in_processes(refuse, range(5), 2)


def test_a_process_that_is_killed_is_an_error_in_words() -> None:
    def end(item: int) -> None:
        if item:
            os.kill(os.getpid(), signal.SIGKILL)

    with pytest.raises(AutolabError, match=r"^one of 2 processes was killed from outside, perhaps because the memory"):
        in_processes(end, range(4), 2)
