"""The proposer host as a process, and its client."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from autolab.core.canonical import canonical_json
from autolab.core.errors import ProposerError
from autolab.core.parameters import ChoiceParameter, IntegerParameter, RangeParameter
from autolab.core.problem import Space
from autolab.core.proposing import EngineSpec, Pending
from optimizer.client import ProposerHost
from optimizer.engine import suggest
from optimizer.recommendation import recommend
from optimizer.routing import needs_model
from tests.optimizer.builders import failed, observed, problem, request
from tests.optimizer.test_engines import BENCH, PLAIN, history

HEAVY = ("torch", "botorch", "gpytorch", "ax")


@pytest.fixture
def host() -> Iterator[ProposerHost]:
    with ProposerHost() as made:
        yield made


def test_the_host_answers_as_the_engine_would(host: ProposerHost) -> None:
    space = Space((RangeParameter("x", 0, 1), ChoiceParameter("c", (True, "on", 2)), IntegerParameter("k", 0, 3)))
    past = [observed(1, {"x": 0.5, "c": True, "k": 1}), failed(2, {"x": 0.25, "c": 2, "k": 0})]
    for engine in ("sobol", "random"):
        asked = request(problem(space), engine, 4, past, [Pending(3, {"x": 0.75, "c": "on", "k": 2})])
        assert host.suggest(asked) == suggest(asked)


def test_two_processes_give_the_same_bytes() -> None:
    asked = [request(problem(BENCH), engine, 8, history(BENCH, 7)) for engine in ("ax", "botorch", "lean")]
    answers: list[list[str]] = []
    for _ in range(2):
        with ProposerHost() as made:
            answers.append([canonical_json(made.suggest(one)) for one in asked])
    assert answers[0] == answers[1]


def test_recommendations_come_from_the_host(host: ProposerHost) -> None:
    past = tuple(history(PLAIN, 4))
    assert host.recommend(problem(PLAIN), past, 1) == recommend(problem(PLAIN), past, 1)
    assert host.recommend(problem(PLAIN), (), 1) is None


def test_errors_reach_the_caller_in_their_own_words(host: ProposerHost) -> None:
    space = Space((IntegerParameter("k", 0, 1),))
    with pytest.raises(ProposerError, match="no point of the space is left"):
        host.suggest(request(problem(space), "sobol", 3, [failed(1, {"k": 0}), failed(2, {"k": 1})]))
    assert host.suggest(request(problem(space), "sobol", 1)).trial == 1


def test_a_killed_host_is_started_again_and_asked_again(host: ProposerHost) -> None:
    asked = request(problem(PLAIN), "sobol", 1)
    before, first = host.suggest(asked), host.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    assert host.suggest(asked) == before
    assert host.pid != first


def test_a_host_that_does_not_answer_in_time_is_ended_and_replaced() -> None:
    with ProposerHost() as made:
        asked = request(problem(PLAIN), "random", 1)
        made.suggest(asked)
        first = made.pid
        assert first is not None
        os.kill(first, signal.SIGSTOP)
        made._timeout_s = 0.5  # once it has started: a busy machine may need far longer for that
        with pytest.raises(ProposerError, match=r"did not answer .suggest. within 0\.5 s"):
            made.suggest(asked)
        made._timeout_s = 120.0
        assert made.suggest(asked).trial == 1
        assert made.pid != first


def test_a_host_is_heard_in_a_process_with_more_than_a_thousand_open_files(tmp_path: Path) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(1100):
            stack.enter_context((tmp_path / "file").open("w"))
        with ProposerHost() as made:
            assert made.suggest(request(problem(PLAIN), "random", 1)).trial == 1


def test_sigint_does_not_end_the_host(host: ProposerHost) -> None:
    asked = request(problem(PLAIN), "random", 1)
    before, pid = host.suggest(asked), host.pid
    assert pid is not None
    os.kill(pid, signal.SIGINT)
    assert host.suggest(asked) == before
    assert host.pid == pid


def test_suggestions_can_be_fetched_later(host: ProposerHost) -> None:
    futures = [host.suggest_async(request(problem(PLAIN), "sobol", trial)) for trial in (1, 2, 3)]
    assert [future.result(60).trial for future in futures] == [1, 2, 3]


def test_a_closed_host_is_gone_and_refuses() -> None:
    made = ProposerHost()
    pid = made.pid
    made.close()
    made.close()
    assert pid is not None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    with pytest.raises(ProposerError, match="closed"):
        made.suggest(request(problem(PLAIN), "sobol", 1))


def run_host(lines: list[bytes]) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "optimizer.host"], input=b"".join(lines), capture_output=True, timeout=100, check=False
    )


def test_the_host_ends_when_its_input_does_and_answers_nonsense_with_errors() -> None:
    done = run_host([b"not json\n", b'{"id": 2}\n', b'{"id": 3, "suggest": {"trial": "x"}}\n', b"[]\n"])
    assert done.returncode == 0
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == 4
    assert all("error" in answer for answer in answers)
    assert answers[1]["error"]["message"].startswith("a request needs 'suggest' or 'recommend'")


@pytest.mark.parametrize("engine", ["sobol", "random", "grid"])
def test_light_engines_load_no_heavy_library(engine: str) -> None:
    names = (*HEAVY, "scipy") if engine == "random" else HEAVY
    script = (
        "import sys, json\n"
        "from optimizer.engine import suggest\n"
        "from autolab.core.proposing import SuggestRequest\n"
        "from optimizer.wire import adapter\n"
        "suggest(adapter(SuggestRequest).validate_json(sys.stdin.read()))\n"
        f"print([name for name in {names!r} if name in sys.modules])\n"
    )
    asked = canonical_json(request(problem(PLAIN), engine, 9, history(PLAIN, 3)))
    done = subprocess.run([sys.executable, "-c", script], input=asked, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "[]", done.stderr


@pytest.mark.parametrize(
    ("trials", "initial", "is_needed"), [(4, None, False), (5, None, True), (4, 3, True), (3, 3, False), (5, 9, True)]
)
def test_a_model_is_needed_past_the_initial_design_or_with_outcomes_enough_to_recommend_by_it(
    trials: int, initial: int | None, is_needed: bool
) -> None:
    assert needs_model(problem(PLAIN), EngineSpec("ax", initial), trials) == is_needed


def test_libraries_that_may_not_be_needed_are_imported_when_they_are() -> None:
    light = request(problem(PLAIN), "botorch", 2, initial=4)
    with ProposerHost(warm="botorch", is_ahead=False) as host:
        host.suggest(light)
        assert not _has_torch(host)
        made = host.suggest(request(problem(PLAIN), "botorch", 5, history(PLAIN, 4)))
        assert _has_torch(host)
    assert canonical_json(made) == canonical_json(suggest(request(problem(PLAIN), "botorch", 5, history(PLAIN, 4))))


def _has_torch(host: ProposerHost) -> bool:
    return "libtorch" in Path(f"/proc/{host.pid}/maps").read_text()


def test_the_client_loads_no_heavy_library() -> None:
    script = f"import sys, optimizer.client\nprint([n for n in {(*HEAVY, 'scipy')!r} if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "[]", done.stderr
