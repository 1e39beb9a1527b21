"""Subscribers of documents: the one that works gets everything, and the others disturb nobody and are reported."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from autolab.compose.matching import bind_files
from autolab.compose.options import RunOptions
from autolab.compose.replaying import replay
from autolab.compose.running import run_campaign
from autolab.compose.subscribing import subscribed
from autolab.config.lab import load_lab
from autolab.core.clock import real_clock
from autolab.core.errors import FileError, InputError, InputErrors
from autolab.journal.journal import Journal
from autolab.journal.reader import JournalReader
from tests.cli.running import autolab
from tests.compose.files import example
from tests.report.journals import write_journal
from tests.rigs import until

OWN = '''
import json, pathlib, threading

class Keeps:
    """Writes what it is given, one line a document."""
    def __init__(self, file):
        self.file = pathlib.Path(file)
    def __call__(self, name, document):
        with self.file.open("a") as file:
            file.write(json.dumps({"name": name, "doc": document}) + "\\n")

class Raises:
    def __init__(self, after):
        self.left = after
    def __call__(self, name, document):
        self.left -= 1
        if self.left < 0:
            raise ConnectionError("the catalogue is away")

class Hangs:
    def __call__(self, name, document):
        threading.Event().wait()

def nobody():
    raise OSError("no such server")
'''


def lab_with(folder: Path, subscribers: str) -> Path:
    """The replay lab with subscribers, and a package of its owner beside it. Returns its campaign file."""
    campaign = example("replay", folder)
    (campaign.parent / "ours.py").write_text(OWN)
    lab = campaign.parent / "lab.yaml"
    lab.write_text(lab.read_text() + f"packages: [ours]\nsubscribers:\n{textwrap.indent(subscribers, '  ')}")
    return campaign


def record(journal: Journal, campaign: str, n: int) -> list[tuple[str, dict[str, Any]]]:
    """Record the documents of a run with ``n`` events, as a lane does."""
    documents: list[tuple[str, dict[str, Any]]] = [
        ("start", {"uid": "run", "time": 0.0, "trials": [1]}),
        ("descriptor", {"uid": "stream", "run_start": "run", "name": "primary"}),
        *(("event", {"uid": f"event-{k}", "descriptor": "stream", "data": {"x": k}}) for k in range(n)),
        ("stop", {"uid": "stop", "run_start": "run", "exit_status": "success"}),
    ]
    for name, document in documents:
        journal.record(campaign, 1, 1, name, document)
    return documents


def lines(file: Path) -> list[tuple[str, dict[str, Any]]]:
    return [(line["name"], line["doc"]) for line in map(json.loads, file.read_text().splitlines())]


@pytest.mark.timeout(120)
def test_what_raises_or_hangs_is_reported_and_disturbs_neither_the_campaign_nor_the_others(tmp_path: Path) -> None:
    campaign = lab_with(
        tmp_path,
        f"works: {{class: ours.Keeps, options: {{file: {tmp_path / 'own.jsonl'}}}}}\n"
        f"theirs: {{class: bluesky.callbacks.json_writer.JSONLinesWriter, options: {{dirname: {tmp_path}, "
        "filename: theirs.jsonl}}\n"
        "raises: {class: ours.Raises, options: {after: 3}}\n"
        "hangs: {class: ours.Hangs}\n"
        "away: {class: ours.nobody}\n",
    )
    data = tmp_path / "data"
    data.mkdir()
    write_journal(data, campaign="teal", trials=2, ended=False)
    said: list[str] = []
    with closing(Journal(data, real_clock())) as journal:
        lab = load_lab(campaign.parent / "lab.yaml")
        with subscribed(lab, "teal", journal, said.append, drain_s=3.0, stall_s=1.0):
            begun = time.monotonic()
            documents = record(journal, "teal", 50)
            assert time.monotonic() - begun < 2.0
            until(lambda: len(said) == 3, "three reports")
        reader = JournalReader(journal.states, journal.documents)
        recorded = [done.detail for done in reader.interventions("teal") if done.cause == "subscriber"]
    assert lines(tmp_path / "own.jsonl") == documents
    assert lines(tmp_path / "theirs.jsonl") == documents
    assert recorded == said
    by_name = {text.split()[1]: text for text in said}
    assert by_name.keys() == {"raises", "hangs", "away"}
    assert "failed (ConnectionError: the catalogue is away), and is given nothing more" in by_name["raises"]
    assert "has taken nothing for 1 s while documents wait" in by_name["hangs"]
    assert "failed (OSError: no such server)" in by_name["away"]
    assert all("autolab export teal --format documents --to" in text for text in said)


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A campaign of two trials whose lab has a subscriber that raises; its file and its data folder."""
    folder = tmp_path_factory.mktemp("ran")
    campaign = lab_with(
        folder,
        f"works: {{class: ours.Keeps, options: {{file: {folder / 'live.jsonl'}}}}}\n"
        f"again: {{class: ours.Keeps, options: {{file: {folder / 'again.jsonl'}}}}}\n"
        "raises: {class: ours.Raises, options: {after: 0}}\n",
    )
    data = folder / "data"
    options = RunOptions(data, simulate=True, virtual=True, trials=2, seed=1, engine="random")
    result = run_campaign(campaign, options)
    assert (result.state, result.trials) == ("finished", 2)
    return campaign, data


def test_a_campaign_gives_its_documents_to_the_subscribers_of_its_lab(ran: tuple[Path, Path]) -> None:
    _, data = ran
    with closing(JournalReader.open(data)) as reader:
        record = reader.campaign()
        documents = list(reader.documents(record.id))
        said = [done.detail for done in reader.interventions(record.id)]
    assert len(documents) > 6
    assert lines(data.parent / "live.jsonl") == documents
    assert len(said) == 1
    assert said[0].startswith("subscriber raises failed (ConnectionError: the catalogue is away)")
    shown = autolab("status", "--data", str(data), cwd=data.parent).stdout
    assert said[0] in shown


def test_documents_are_exported_as_lines_and_given_to_a_subscriber_again(ran: tuple[Path, Path]) -> None:
    _, data = ran
    live, again = data.parent / "live.jsonl", data.parent / "again.jsonl"
    again.unlink()
    words = ("export", "--format", "documents", "--data", str(data))
    assert autolab(*words, "--output", "out.jsonl", cwd=data.parent).returncode == 0
    assert lines(data.parent / "out.jsonl") == lines(live)
    done = autolab(*words, "--to", "again", cwd=data.parent)
    assert done.returncode == 0, done.stderr
    assert lines(again) == lines(live)
    wrong = autolab(*words, "--to", "agin", cwd=data.parent)
    assert (wrong.returncode, "did you mean 'again'?" in wrong.stderr) == (2, True)


def test_a_subscriber_that_fails_in_a_replay_says_how_far_it_came(ran: tuple[Path, Path]) -> None:
    with pytest.raises(InputError, match="subscriber raises failed after 0 documents: ConnectionError"):
        replay(ran[1], None, "raises")


WRITES = """
import json, sys
from pathlib import Path
from autolab.core.clock import real_clock
from autolab.journal.journal import Journal
journal = Journal(Path(sys.argv[1]), real_clock())
journal.record(sys.argv[2], 1, 2, "start", {"uid": "killed", "trials": [2]})
journal.record(sys.argv[2], 1, 2, "descriptor", {"uid": "s", "run_start": "killed", "name": "primary"})
for n in range(10**9):
    journal.record(sys.argv[2], 1, 2, "event", {"uid": f"e{n}", "descriptor": "s", "data": {"n": n}})
    print(n, flush=True)
"""


def test_after_kill_9_a_replay_is_complete_and_in_order(ran: tuple[Path, Path]) -> None:
    _, data = ran
    again = data.parent / "again.jsonl"
    again.unlink(missing_ok=True)
    before = lines(data.parent / "live.jsonl")
    with closing(JournalReader.open(data)) as reader:
        name = reader.campaign().id
    command = [sys.executable, "-c", WRITES, str(data), name]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writing:
        assert writing.stdout is not None
        kept = next(int(line) for line in writing.stdout if int(line) >= 200)
        os.kill(writing.pid, signal.SIGKILL)
        kept = max([kept, *(int(line) for line in writing.stdout if line.endswith("\n"))])
    assert replay(data, name, "again") == len(lines(again))
    given = lines(again)
    assert given[: len(before) + 2][:-2] == before
    numbers = [document["data"]["n"] for kind, document in given[len(before) + 2 :] if kind == "event"]
    assert numbers == list(range(len(numbers)))
    assert len(numbers) > kept


@pytest.mark.parametrize(
    ("subscribers", "said"),
    [
        ("x: {class: os.system}\n", r"lab.yaml:\d+: subscriber 'os.system': names are resolved from .*bluesky, tiled"),
        ("x: {class: ours.Kepes}\n", r"has no 'Kepes'; did you mean ours.Keeps\?"),
        ("x: {class: bluesky.callbacks.tiled_writer.RunNormalizer.from_url}\n", "has no 'from_url'|no module 'tiled'"),
        ("x: {class: ours.json}\n", "is neither a class nor a function"),
        ("x: {class: ours.Keeps, option: {}}\n", "did you mean 'options'"),
    ],
    ids=["not-allowed", "misspelt", "no-method", "no-class", "unknown-key"],
)
def test_a_subscriber_that_stands_for_nothing_is_refused_before_anything_moves(
    subscribers: str, said: str, tmp_path: Path
) -> None:
    campaign = lab_with(tmp_path, subscribers)
    with pytest.raises((FileError, InputErrors), match=said):
        bind_files(campaign, RunOptions(tmp_path / "data", simulate=True, virtual=True))
