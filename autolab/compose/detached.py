"""Starting a controller that outlives whoever starts it. It says in a file what became of it.

The order stands in ``controllers/ID.json`` of the data folder, which its owner alone may read; the answer beside it in
``ID.said.json``. Who gives the order has found out who wants it, and that they may.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from autolab.compose.options import RunOptions
from autolab.core.canonical import canonical_json
from autolab.core.errors import AutolabError, InputError, SafetyError, StorageError
from autolab.core.principals import Principal
from autolab.journal.folder import make_folder
from autolab.journal.keys import write_whole

__all__ = ["Order", "Said", "order", "said_of"]

_FOLDER = "controllers"


@dataclass(frozen=True, slots=True)
class Order:
    """What a controller is to do."""

    verb: Literal["run", "resume", "end", "prove", "move"]
    about: str
    """The campaign file; of ``resume`` and ``end``, the campaign's id; of ``prove`` and ``move``, the lab file."""
    options: Mapping[str, Any]
    """As `RunOptions` has them, less the data folder; of ``resume``, ``accept_changes``."""
    principal: Principal
    given: Sequence[str] = ()
    """Of ``move``, the device and what it is set to, as at the command line."""


@dataclass(frozen=True, slots=True)
class Said:
    """What became of an order."""

    state: Literal["starting", "started", "refused", "ended"]
    campaign: str | None = None
    message: str = ""


def order(data: Path, wanted: Order) -> str:
    """Start a controller in a process of its own session. Returns the id of the order.

    Raises:
        StorageError: no room or no right to write.
    """
    number = secrets.token_hex(8)
    folder = data / _FOLDER
    try:
        make_folder(folder)
        folder.chmod(0o700)
        write_whole(folder / f"{number}.json", canonical_json(asdict(wanted)).encode(), 0o600)
        with (folder / f"{number}.log").open("ab") as log:
            process = subprocess.Popen(  # noqa: S603 (our own interpreter and module)
                [sys.executable, "-m", "autolab.compose.detached", str(data.absolute()), number],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                start_new_session=True,
            )
    except OSError as error:
        raise StorageError(f"{folder}: {error.strerror}: choose a folder of yours with --data") from error
    threading.Thread(target=process.wait, name="autolab-controller", daemon=True).start()
    return number


def said_of(data: Path, number: str) -> Said:
    """What has become of an order so far.

    Raises:
        InputError: there is no such order.
    """
    folder = data / _FOLDER
    if not number.isalnum() or not (folder / f"{number}.json").is_file():
        raise InputError(f"there is no start {number!r}")
    try:
        return Said(**json.loads((folder / f"{number}.said.json").read_text(encoding="utf-8")))
    except FileNotFoundError:
        return Said("starting", message="the lab is being opened")


def main(words: list[str]) -> int:
    """Carry out one order."""
    data, number = Path(words[0]), words[1]
    folder = data / _FOLDER
    raw = json.loads((folder / f"{number}.json").read_text(encoding="utf-8"))
    wanted = Order(**{**raw, "principal": Principal(**raw["principal"])})

    def say(said: Said) -> None:
        write_whole(folder / f"{number}.said.json", canonical_json(asdict(said)).encode(), 0o600)

    try:
        return _carry_out(data, wanted, say)
    except AutolabError as error:
        say(Said("refused", message=str(error)))
        return error.exit_code
    except Exception as error:  # noqa: BLE001 (the last place that can say what became of the order)
        traceback.print_exc()  # into the log of the order
        log = folder / f"{number}.log"
        say(Said("refused", message=f"autolab has an internal error ({type(error).__name__}); see {log}"))
        return 1


def _carry_out(data: Path, wanted: Order, say: Any) -> int:
    from autolab.campaign.events import CampaignEvent, CampaignStarted
    from autolab.compose.ending import end_for_good
    from autolab.compose.moving import move_by_hand
    from autolab.compose.resuming import resume_campaign
    from autolab.compose.running import StopSwitch, run_campaign

    if wanted.verb == "end":
        say(Said("ended", wanted.about, end_for_good(data, wanted.about, wanted.principal)))
        return 0
    if wanted.verb == "prove":
        return _prove(data, wanted, say)
    stop = StopSwitch()
    for kind in (signal.SIGTERM, signal.SIGINT):
        signal.signal(kind, lambda *_: stop.request("the controller's process was told to end", False))

    class Starts:
        """Says that the campaign has begun."""

        def notify(self, event: CampaignEvent) -> None:
            if isinstance(event, CampaignStarted):
                say(Said("started", event.campaign))

    watch = Starts()
    if wanted.verb in ("run", "move"):
        options = RunOptions(data=data, **{**wanted.options, "only": tuple(wanted.options.get("only", ()))})
        file, who = Path(wanted.about), wanted.principal
        if wanted.verb == "run":
            result = run_campaign(file, options, observers=(watch,), stop=stop, principal=who)
        else:
            device, *texts = wanted.given
            result = move_by_hand(file, device, texts, options, observers=(watch,), stop=stop, principal=who)
    else:
        accepts = bool(wanted.options.get("accept_changes"))
        result = resume_campaign(
            data, wanted.about, accept_changes=accepts, observers=(watch,), stop=stop, principal=wanted.principal
        )
    _write_report(data, result.campaign)
    say(Said("ended", result.campaign, result.reason))
    return result.exit_code


def _prove(data: Path, wanted: Order, say: Any) -> int:
    from autolab.compose.proofs import ProofPath
    from autolab.compose.proving import proof_test

    paths: list[ProofPath] = []

    def tell(path: ProofPath) -> None:
        paths.append(path)
        end = "passed" if path.passed else "FAILED"
        say(Said("starting", message=f"path {len(paths)}: {end}: {path.rule}: {path.cause}"))

    found = proof_test(data, Path(wanted.about), None, tell, principal=wanted.principal)
    say(Said("ended" if found.passed else "refused", message=found.said()))
    return 0 if found.passed else SafetyError.exit_code


def _write_report(data: Path, campaign: str) -> None:
    from autolab.journal.reader import JournalReader
    from autolab.report.page import write_report

    with closing(JournalReader.open(data)) as reader:
        write_report(reader, reader.campaign(campaign), data / "reports" / f"{campaign}.html")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
