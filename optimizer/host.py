"""The proposer host: ``python -m optimizer.host [ENGINE]``, the only process that imports torch.

It reads requests from its standard input and writes answers to its standard output (`optimizer.wire`), one line each,
and ends when its input does, so it never outlives the controller. What libraries print goes to standard error. SIGINT
is ignored: Ctrl-C reaches the whole terminal, and the controller decides what it means.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from contextlib import suppress
from dataclasses import replace
from typing import Any, BinaryIO, TypeVar

from autolab.core.canonical import plain
from autolab.core.errors import AutolabError, InputError
from autolab.core.proposing import Observation, SuggestRequest
from autolab.core.trials import Suggestion
from optimizer.engine import suggest
from optimizer.recommendation import recommend
from optimizer.rehearsal import Rehearsal
from optimizer.wire import RecommendRequest, adapter, line_of

__all__ = ["main", "serve"]

_Request = TypeVar("_Request", SuggestRequest, RecommendRequest)

_WARM = {"ax": "optimizer.ax_learner", "botorch": "optimizer.botorch_learner", "lean": "optimizer.lean_learner"}
"""What the engines import that learn; the others import nothing beyond the design."""


def main() -> None:
    """Serve standard input until it ends; the libraries of the engine that is named are imported at once."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, max(os.getpriority(os.PRIO_PROCESS, 0), 0))  # never before the controller
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # from here on, whatever a library prints goes to standard error
    module = _WARM.get(sys.argv[1]) if len(sys.argv) > 1 else None
    serve(sys.stdin.buffer, answers, None if module is None else Rehearsal(module))


def serve(requests: BinaryIO, answers: BinaryIO, rehearsal: Rehearsal | None = None) -> None:
    """Answer each line of ``requests`` with a line of ``answers``."""
    desk = _Desk(rehearsal)
    for line in requests:
        answers.write(line_of(desk.answer(line)))
        answers.flush()


class _Desk:
    """Answers requests. All that it keeps from one to the next are the observations that need not be sent again."""

    def __init__(self, rehearsal: Rehearsal | None) -> None:
        self._rehearsal = rehearsal
        self._observations: tuple[Observation, ...] = ()

    def answer(self, line: bytes) -> dict[str, Any]:
        number: Any = None
        try:
            message = json.loads(line)
            number = message.get("id")
            return {"id": number, "ok": plain(self._do(message))}
        except AutolabError as error:
            return _error(number, error)
        except Exception as error:  # noqa: BLE001 (a defect must reach the controller as an answer, not as silence)
            traceback.print_exc()
            return _error(number, error)

    def _do(self, message: dict[str, Any]) -> Any:
        if "suggest" in message:
            wanted = adapter(SuggestRequest).validate_python(message["suggest"])
            return self._suggest(self._whole(wanted, message["known"]))
        if "recommend" in message:
            if self._rehearsal is not None:
                self._rehearsal.end()
            asked = adapter(RecommendRequest).validate_python(message["recommend"])
            request = self._whole(asked, message["known"])
            return recommend(
                request.problem,
                request.observations,
                request.seed,
                engine=request.engine,
                with_model=request.with_model,
            )
        raise InputError(f"a request needs 'suggest' or 'recommend', and this one has {sorted(message)}")

    def _suggest(self, request: SuggestRequest) -> Suggestion:
        if self._rehearsal is None:
            return suggest(request)
        self._rehearsal.before(request)
        made = suggest(request)
        self._rehearsal.after(request)
        return made

    def _whole(self, request: _Request, known: int) -> _Request:
        """The request with the observations that were sent before."""
        if known > len(self._observations):
            raise InputError(f"the request counts on {known} observations, and {len(self._observations)} were sent")
        self._observations = (*self._observations[:known], *request.observations)
        return replace(request, observations=self._observations)


def _error(number: Any, error: Exception) -> dict[str, Any]:
    return {"id": number, "error": {"kind": type(error).__name__, "message": str(error) or type(error).__name__}}


if __name__ == "__main__":
    main()
