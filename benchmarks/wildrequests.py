"""Requests that nobody would think of, to every door of the API: ``python -m benchmarks.wildrequests --page FILE``.

Schemathesis makes them from the description that the server gives of itself: half of them as described, half with
something wrong. They go through a socket to a real server over a small journal. Each answer has to have a status, a
kind and a body that the description names, and none may be an error of the server.
"""

from __future__ import annotations

import argparse
import os
import random
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import hypothesis
import hypothesis.errors
import requests
import schemathesis
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from autolab.core.clock import real_clock
from autolab.core.roles import Role
from autolab.journal.journal import Journal
from autolab.journal.reader import JournalReader
from autolab.server import settings as limits
from autolab.server.doors import COOKIE
from autolab.server.serving import serving
from autolab.server.sessions import csrf_of
from autolab.server.settings import Settings
from tests.compose.files import example
from tests.report.journals import write_journal
from tests.server.house import add_account
from tests.server.quick import PASSWORD, QUICK

CASES = 10_000
AT_ONCE = 20
"""Requests of one kind to one door in a round."""
CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
)
ENDLESS = "/api/v1/events"
STARTING = ("/resume", "/end")
"""Doors behind which a controller is started for a campaign that may go on."""
ENDED, OPEN = "teal-in-thirty-20260102T101500", "teal-2"
NAME = "everything"
_HEAD = """\
# What the API answers to requests that nobody would think of

`python -m benchmarks.wildrequests` has Schemathesis {version} make requests from the server's own description: half of
them as it says, half with something wrong, half of each about campaigns, trials, actions and accounts that there are.
Somebody with all roles sends them through a socket to a real server over a journal with a campaign that has ended and
one that is paused. Each answer must have a status, a content type and a body that the description names. The event
stream, which does not end, is left out, and no campaign is started; limits of rate are lifted.

Measured {date}, in {minutes:.0f} min at a load average of {load:.1f} on {cores} cores.
"""


@dataclass
class Seen:
    """What was asked, and what came of it."""

    n: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    doors: set[str] = field(default_factory=set)
    faults: dict[str, str] = field(default_factory=dict)
    """One example of each kind of fault at each door."""
    n_faults: int = 0

    def note(self, door: str, status: int, said: Sequence[Exception], example_of: str) -> None:
        """Count a request."""
        self.n += 1
        self.statuses[status] += 1
        self.doors.add(door)
        self.n_faults += bool(said)
        for one in said:
            self.faults.setdefault(f"{door}: {type(one).__name__}", f"{one}\n{example_of}")


@contextmanager
def a_server(folder: Path) -> Iterator[tuple[str, requests.Session, Mapping[str, list[Any]]]]:
    """A server that takes any number of requests: its address, somebody who may do all, and what there is."""
    limits.REQUESTS_PER_S = limits.REQUESTS_AT_ONCE = limits.SIGN_INS_PER_S = limits.SIGN_INS_AT_ONCE = 10**9
    data = folder / "data"
    data.mkdir()
    write_journal(data, trials=12)
    write_journal(data, trials=4, campaign=OPEN, key="k2", ended=False)
    with closing(Journal(data, real_clock())) as journal:
        journal.states.write("UPDATE campaigns SET state = 'paused' WHERE id = ?", (OPEN,))
    with closing(JournalReader.open(data)) as reader:
        operations = [intent.operation for intent in reader.intents(OPEN)]
    lab = example("colour", folder).with_name("lab.yaml")
    with serving(Settings(lab, data, port=0, simulate=True), QUICK) as (address, context):
        add_account(context, NAME, *(role for role in Role if role is not Role.AGENT))
        add_account(context, "somebody", Role.OBSERVER)
        key = context.accounts.sign_in(NAME, PASSWORD)
        if key is None:
            raise RuntimeError("nobody can sign in")
        secret = context.sessions.begin(NAME, key)
        session = requests.Session()
        session.cookies.set(COOKIE, secret)
        session.headers["X-CSRF-Token"] = csrf_of(secret)
        there = {"campaign": [ENDED, OPEN], "trial": [1, 2, 3, 4], "operation": operations, "name": ["somebody"]}
        yield address, session, there


def knock(address: str, session: requests.Session, there: Mapping[str, list[Any]], cases: int, seed: int) -> Seen:
    """Send at least so many requests, in rounds through all doors."""
    operations = [each.ok() for each in _described(address, session).get_all_operations()]
    seen, turn = Seen(), 0
    while seen.n < cases:
        mode = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)[turn % 2]
        for number, operation in enumerate(operations):
            draw = random.Random(f"{seed} {turn} {number}")
            named = _named(operation.path, there, draw) if turn // 2 % 2 else {}
            try:
                strategy = operation.as_strategy(mode, path_parameters=named or None)
                _some(strategy, draw.getrandbits(32), lambda case: _send(case, address, session, seen))
            except (hypothesis.errors.Unsatisfiable, hypothesis.errors.NoSuchExample):
                continue  # nothing can be wrong with a request that takes nothing
        turn += 1
        print(f"{seen.n} requests, {seen.n_faults} faults", flush=True)
    return seen


def _described(address: str, session: requests.Session) -> schemathesis.BaseSchema:
    """What the server says of its doors, less how one signs in: that would be made up too, and nobody let in."""
    found = session.get(f"{address}/api/v1/openapi.json").json()
    found["paths"] = {path: doors for path, doors in found["paths"].items() if path != ENDLESS}
    for doors in found["paths"].values():
        for door in doors.values():
            door.pop("security", None)
    del found["components"]["securitySchemes"]
    return schemathesis.openapi.from_dict(found)


def _named(path: str, there: Mapping[str, list[Any]], draw: random.Random) -> dict[str, Any]:
    """Something that there is for each place in a path."""
    found = {name: draw.choice(known) for name, known in there.items() if f"{{{name}}}" in path}
    if path.endswith(STARTING):
        found["campaign"] = ENDED
    return found


def _some(strategy: Any, seed: int, send: Any) -> None:
    """Send a number of requests of one kind."""
    settings = hypothesis.settings(
        max_examples=AT_ONCE, deadline=None, database=None, phases=[hypothesis.Phase.generate],
        suppress_health_check=tuple(hypothesis.HealthCheck),
    )  # fmt: skip

    @hypothesis.seed(seed)
    @settings
    @hypothesis.given(case=strategy)
    def one(case: schemathesis.Case) -> None:
        send(case)

    one()


def _send(case: schemathesis.Case, address: str, session: requests.Session, seen: Seen) -> None:
    answer = case.call(base_url=address, session=session, timeout=60)
    said: Sequence[Exception] = ()
    try:
        case.validate_response(answer, checks=list(CHECKS))
    except FailureGroup as group:
        said = group.exceptions
    words = f"{answer.status_code} {answer.text[:300]}"
    seen.note(f"{case.method} {case.operation.path}", answer.status_code, said, words)


def page(seen: Seen, date: str, minutes: float) -> str:
    """The figures as a page in Markdown."""
    text = _HEAD.format(
        version=version("schemathesis"), date=date, minutes=minutes, load=os.getloadavg()[0],
        cores=os.cpu_count(),
    )  # fmt: skip
    errors = sum(n for status, n in seen.statuses.items() if status >= 500)
    undocumented = sum("UndefinedStatusCode" in fault for fault in seen.faults)
    text += f"\n- requests: {seen.n}, to {len(seen.doors)} doors\n- errors of the server: {errors}\n"
    text += f"- doors with a status that is not described: {undocumented}\n"
    text += f"- answers with any fault: {seen.n_faults}\n\n| status | answers |\n|---|---|\n"
    return text + "".join(f"| {status} | {n} |\n" for status, n in sorted(seen.statuses.items()))


def main(arguments: Sequence[str] | None = None) -> None:
    """Knock, and write the page; exit code 1 where an answer has a fault."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=CASES)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--page", type=Path, help="where to write the page")
    parser.add_argument("--date", default="undated", help="the date on the page")
    chosen = parser.parse_args(arguments)
    begin_s = time.monotonic()
    with tempfile.TemporaryDirectory() as place, a_server(Path(place)) as (address, session, there):
        seen = knock(address, session, there, chosen.cases, chosen.seed)
    text = page(seen, chosen.date, (time.monotonic() - begin_s) / 60)
    print(text)
    for door, fault in seen.faults.items():
        print(f"{door}\n{fault}\n")
    if chosen.page:
        chosen.page.write_text(text, encoding="utf-8")
    if seen.n_faults:
        raise SystemExit(f"{seen.n_faults} answers have a fault")


if __name__ == "__main__":
    main()
