"""The controller that runs a campaign for a notebook or a script, in a process of its own.

It reads one request as a line of JSON, and then words: ``pause``, or ``now``, to stop the devices at once. It writes
what happens as lines of JSON. Where whoever asked is gone, the pipe is closed, and the campaign is paused.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import traceback
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from autolab.campaign.desk import INJECT
from autolab.campaign.events import CampaignEvent, CampaignResult, CampaignStarted, PhaseChanged, TrialEnded
from autolab.campaign.stopping import StopSwitch
from autolab.compose.logs import log_to
from autolab.compose.options import RunOptions
from autolab.core.errors import AutolabError
from autolab.core.principals import Principal
from autolab.journal.inbox import Inbox
from autolab.journal.journal import Journal

__all__ = ["main"]

ONE_TRIAL = "run_trial: one trial was wanted"
"""Why a campaign is paused that was to run one trial."""


class _Told:
    """Tells what happens, and pauses the campaign where the one trial that was wanted has ended.

    Args:
        out: Where to write.
        switch: Pauses the campaign.
        is_one: Whether one trial is wanted.
    """

    def __init__(self, out: IO[str], switch: StopSwitch, is_one: bool) -> None:
        self._out, self._switch, self._is_one = out, switch, is_one
        self.wanted: int | None = None
        """The trial that is wanted; None for the first that ends."""
        self.ended: int | None = None
        """The trial that was wanted, once it has ended."""

    def write(self, **event: Any) -> None:
        """Write one line. Where nobody reads it any more, nothing happens."""
        with suppress(BrokenPipeError):
            self._out.write(json.dumps(event) + "\n")
            self._out.flush()

    def notify(self, event: CampaignEvent) -> None:
        """Take note of an event."""
        if isinstance(event, CampaignStarted):
            self.write(campaign=event.campaign)
        elif isinstance(event, PhaseChanged):
            self.write(phase=f"trial {event.trial}: {event.phase}")
        elif isinstance(event, TrialEnded):
            self.write(phase="", trial=event.trial)
            if self._is_one and self.ended is None and self.wanted in (None, event.trial):
                self.ended = event.trial
                self._switch.request(ONE_TRIAL)


def main() -> int:
    """Answer one request. Returns the exit code."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a plan prints is none of ours
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    words = _Words()
    request = json.loads(words.line() or "{}")
    switch = StopSwitch()
    signal.signal(signal.SIGTERM, lambda *_: switch.request("terminated (SIGTERM)", True))
    threading.Thread(target=_hear, args=(words, switch), name="autolab-notebook", daemon=True).start()
    told = _Told(out, switch, request["one"])
    try:
        with log_to(Path(request["options"]["data"])):
            result = _run(request, told, switch)
    except AutolabError as error:
        told.write(refused=str(error), exit_code=error.exit_code)
        return error.exit_code
    except Exception as error:  # noqa: BLE001 (a traceback is kept, and none reaches a person)
        traceback.print_exc()
        told.write(refused=f"{type(error).__name__}: {error}", exit_code=None)
        return AutolabError.exit_code
    told.write(state=result.state, reason=result.reason, exit_code=result.exit_code, one=told.ended)
    return result.exit_code


def _run(request: dict[str, Any], told: _Told, switch: StopSwitch) -> CampaignResult:
    from autolab.compose.injecting import values_of
    from autolab.compose.resuming import campaign_record, resume_campaign
    from autolab.compose.running import run_campaign
    from autolab.config.campaign import load_campaign

    wanted = request["options"]
    options = RunOptions(**{**wanted, "data": Path(wanted["data"]), "only": tuple(wanted["only"])})
    name, file, trial = request["campaign"], Path(request["file"]), request["trial"]
    arguments: dict[str, Any] = {}
    if trial is not None:
        problem = load_campaign(file).problem if name is None else campaign_record(options.data, name).problem
        arguments = {"values": values_of(problem.space, trial["values"]), "because": trial["because"]}

    def begun(journal: Journal, campaign: str, who: Principal) -> None:
        if arguments:
            told.wanted = _hand_in(journal, campaign, who, arguments)

    more: dict[str, Any] = {"observers": (told,), "stop": switch, "person": request["person"], "begun": begun}
    if name is None:
        return run_campaign(file, options, **more)
    return resume_campaign(options.data, name, accept_changes=request["accept_changes"], **more)


def _hand_in(journal: Journal, campaign: str, who: Principal, arguments: dict[str, Any]) -> int:
    """Hand a trial in before anything is suggested. Returns the number that it is going to have."""
    inbox = Inbox(journal.states)
    waiting = sum(request.verb == INJECT for request in inbox.waiting(campaign))
    known = journal.states.rows("SELECT COUNT(*) AS n FROM trials WHERE campaign = ?", (campaign,))[0]["n"]
    inbox.post(campaign, INJECT, arguments, who, journal.date())
    return known + waiting + 1


class _Words:
    """Lines from a pipe, read below Python's own buffers, which could not be left while a thread waits.

    Args:
        descriptor: The reading end; standard input by default.
    """

    def __init__(self, descriptor: int = 0) -> None:
        self._descriptor = descriptor
        self._rest = b""

    def line(self) -> str | None:
        """The next line; None where nobody writes any more."""
        while b"\n" not in self._rest:
            chunk = os.read(self._descriptor, 1 << 16)
            if not chunk:
                return None
            self._rest += chunk
        line, _, self._rest = self._rest.partition(b"\n")
        return line.decode()


def _hear(words: _Words, switch: StopSwitch) -> None:
    while (word := words.line()) is not None:
        switch.request("interrupted", at_once=word == "now")
    switch.request("the notebook or script that ran it has gone")


if __name__ == "__main__":
    sys.exit(main())
