"""The controller's side of the proposer host: starts the process, asks, and starts it again when it dies."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any

from autolab.core.errors import NoPermittedTrialError, ProposerError
from autolab.core.problem import Problem
from autolab.core.proposing import Observation, SuggestRequest
from autolab.core.trials import Suggestion
from optimizer.recommendation import Recommendation
from optimizer.wire import RecommendRequest, adapter, line_of, shortened

__all__ = ["ProposerHost"]

_PARTING_S = 5.0
"""Real seconds for a process that has closed its pipe to end by itself, and tell its exit code."""
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


class _HostDiedError(ProposerError):
    """The host ended in the middle of a question."""


class ProposerHost:
    """A proposer that lives in its own process. Safe to use from several threads; questions are answered in turn.

    Engines are without memory, so a host that dies is started again and asked again, once.

    Args:
        warm: Engine whose libraries the host begins to import at once, and whose model recommends; None imports when
            they are first needed, and recommends by BoTorch's model.
        timeout_s: Real seconds after which a question is given up and the host is ended.
        is_ahead: False where the libraries of ``warm`` may not be needed at all: they are imported when they are.
        folder: Where packages lie that an engine of others comes from; None where none does.
    """

    def __init__(
        self, warm: str | None = None, timeout_s: float = 120.0, *, is_ahead: bool = True, folder: Path | None = None
    ) -> None:
        self._warm, self._is_ahead, self._folder = warm, is_ahead, folder
        self._timeout_s = timeout_s
        self._turn = threading.Lock()
        self._lane = ThreadPoolExecutor(1, thread_name_prefix="proposer")
        self._closed = threading.Event()
        self._host: _Host | None = None
        with self._turn:
            self._started()

    def suggest(self, request: SuggestRequest) -> Suggestion:
        return adapter(Suggestion).validate_python(self._ask("suggest", request))

    def suggest_async(self, request: SuggestRequest) -> Future[Suggestion]:
        """Ask now and take the answer later; several questions are answered in their order."""
        return self._lane.submit(self.suggest, request)

    def recommend(
        self, problem: Problem, observations: tuple[Observation, ...], seed: int = 0, *, with_model: bool = True
    ) -> Recommendation | None:
        """The observed trial that is best; see `optimizer.recommendation.recommend`.

        Raises:
            ProposerError: The host failed.
        """
        request = RecommendRequest(problem, observations, seed, self._warm, with_model)
        answer = self._ask("recommend", request)
        return None if answer is None else adapter(Recommendation).validate_python(answer)

    def close(self) -> None:
        self._closed.set()
        host = self._host
        if host is not None:
            host.end()
        self._lane.shutdown(wait=True, cancel_futures=True)

    def __enter__(self) -> ProposerHost:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def pid(self) -> int | None:
        """Process id of the host, None where none runs."""
        return None if self._host is None else self._host.pid

    def _ask(self, verb: str, request: SuggestRequest | RecommendRequest) -> Any:
        with self._turn:
            try:
                return self._started().ask(verb, request, self._timeout_s)
            except _HostDiedError:
                if self._closed.is_set():
                    raise
            return self._started().ask(verb, request, self._timeout_s)

    def _started(self) -> _Host:
        if self._closed.is_set():
            raise ProposerError("the proposer host is closed: make a new one")
        if self._host is None or not self._host.is_alive():
            if self._host is not None:
                self._host.end()
            self._host = _Host(self._warm if self._is_ahead else None, self._folder)
        return self._host


class _Host:
    """One process of the host."""

    def __init__(self, warm: str | None, folder: Path | None) -> None:
        environment = os.environ | dict.fromkeys(_THREADS, "1")
        if folder is not None:
            paths = [str(folder.resolve()), *filter(None, [environment.get("PYTHONPATH")])]
            environment["PYTHONPATH"] = os.pathsep.join(paths)
        self._noise: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 (closed in end)
        command = [sys.executable, "-m", "optimizer.host", *([] if warm is None else [warm])]
        self._process = subprocess.Popen(  # noqa: S603 (our own module, and the name of one of our engines)
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._noise,
            env=environment,
        )
        self._buffer = b""
        self._number = 0
        self._told: tuple[Observation, ...] = ()

    @property
    def pid(self) -> int:
        return self._process.pid

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def ask(self, verb: str, request: SuggestRequest | RecommendRequest, timeout_s: float) -> Any:
        """Send one question, without the observations that the process holds already, and wait for its answer.

        Raises:
            ProposerError: The host answered with an error, or not within ``timeout_s``.
        """
        known, body = shortened(request, self._told)
        self._told = ()  # until an answer shows that it has understood
        answer = self._exchange({"known": known, verb: body}, verb, timeout_s)
        self._told = request.observations
        return answer

    def _exchange(self, message: dict[str, Any], verb: str, timeout_s: float) -> Any:
        self._number += 1
        try:
            self._pipe_in.write(line_of({"id": self._number, **message}))
            self._pipe_in.flush()
        except (BrokenPipeError, ValueError):
            raise self._died(verb) from None
        answer = json.loads(self._line(verb, timeout_s))
        if answer.get("id") != self._number:
            self.end()
            raise ProposerError(f"the proposer host answered question {answer.get('id')} instead of {self._number}")
        if "error" in answer:
            error = answer["error"]
            if error["kind"] == NoPermittedTrialError.__name__:
                raise NoPermittedTrialError(error["message"])
            kind = "" if error["kind"].endswith("Error") and error["kind"] in _EXPECTED else f"{error['kind']}: "
            raise ProposerError(f"{kind}{error['message']}")
        return answer["ok"]

    def end(self) -> None:
        """End the process and let go of its pipes. Idempotent."""
        if self.is_alive():
            self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout, self._noise):
            if pipe is not None:
                try:
                    pipe.close()
                except BrokenPipeError:
                    continue  # an unsent question died with the process

    @property
    def _pipe_in(self) -> IO[bytes]:
        if self._process.stdin is None:
            raise ProposerError("the proposer host has no standard input")
        return self._process.stdin

    def _line(self, verb: str, timeout_s: float) -> bytes:
        pipe = self._process.stdout
        if pipe is None:
            raise ProposerError("the proposer host has no standard output")
        while b"\n" not in self._buffer:
            try:
                waiting = select.poll()  # select.select refuses a file number above 1023
                waiting.register(pipe, select.POLLIN)
                readable = waiting.poll(timeout_s * 1000)
                chunk = os.read(pipe.fileno(), 1 << 16) if readable else None
            except (OSError, ValueError):  # closed by another thread
                raise self._died(verb) from None
            if chunk is None:
                self.end()
                raise ProposerError(
                    f"the proposer host did not answer '{verb}' within {timeout_s:g} s and was ended; "
                    "the next question starts a new one"
                )
            if not chunk:
                raise self._died(verb)
            self._buffer += chunk
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line

    def _died(self, verb: str) -> _HostDiedError:
        try:
            self._process.wait(_PARTING_S)
        except subprocess.TimeoutExpired:  # it let go of its pipe, and hangs on its way out
            self.end()
        last = self._last_words()
        return _HostDiedError(
            f"the proposer host ended with code {self._process.returncode} while asked to {verb}"
            + (f"; its last words: {last}" if last else "")
        )

    def _last_words(self) -> str:
        if self._noise.closed:
            return ""
        self._noise.seek(0)
        lines = self._noise.read().decode(errors="replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "")


_EXPECTED = ("ProposerError", "NoPointLeftError", "InputError")
