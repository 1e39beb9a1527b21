"""The commands on the pages, given one after the other in a fresh folder, do what the pages say.

A line may end in ``# exit code 5``, where a command is meant to end with another code than 0. What stands below
`SECOND` in a block is typed while the command above it runs, each line as soon as it is asked for.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path

import pytest

from autolab.core.trials import TrialState
from autolab.journal import calibrations, questions
from autolab.journal.reader import JournalReader
from tests.cli.running import autolab
from tests.docs import pages
from tests.docs.pages import Block

ALLOWED = ("autolab ", "mkdir ", "cp ", "head ", "ls")
"""What a page may ask its reader to type in a block that is executed."""
SHELL = frozenset("|&;<>$`*?(){}~!\\")
"""What a shell would not hand on as it stands."""

SECOND = "# in a second terminal\n"

_Running = Future[subprocess.CompletedProcess[str]]

WITH_COMMANDS = sorted({block.page for block in pages.blocks("bash")})
FILES = [block for block in pages.blocks("yaml") if block.text.startswith("# ") and ".yaml\n" in block.text]


@pytest.mark.parametrize("page", WITH_COMMANDS)
@pytest.mark.timeout(300)
def test_the_commands_of_a_page_work(page: str, tmp_path: Path, repository: Path) -> None:
    """Files named in the first line of a block are written where it says; commands run in the order of the page."""
    shutil.copytree(repository / "examples", tmp_path / "examples")
    for block in (block for block in pages.blocks("bash", "yaml") if block.page == page):
        if block.language == "yaml":
            _write(block, tmp_path)
        else:
            _run(block, tmp_path)
    AFTERWARDS.get(page, lambda _: None)(tmp_path)


def _the_day_was_as_told(folder: Path) -> None:
    """What docs/how-to/a-day-at-the-bench.md tells stands in the record."""
    reader = JournalReader.open(folder / "autolab-data")
    day = reader.campaign("day")
    trials = reader.trials(day.id)
    performed = [(one.name, one.trial, one.state) for one in calibrations.of_campaign(reader.states, day.id)]
    typed = {name: text for one in questions.asked(reader.states, day.id, 1) for name, text in one.typed.items()}
    reader.close()
    assert [trial.state for trial in trials] == [TrialState.INGESTED] * 12
    assert {trial.workflow for trial in trials} == {"manual"}  # a person had a hand in the measuring of them all
    assert performed == [("lamp", 1, "done"), ("blank", 1, "done"), ("cyan", 1, "done"), ("cyan", 9, "done")]
    assert typed == {"strip": "ST-0117", "room": "21.4 degC"}
    assert (folder / f"autolab-data/reports/{day.id}.html").stat().st_size > 100_000


AFTERWARDS: dict[str, Callable[[Path], None]] = {"docs/how-to/a-day-at-the-bench.md": _the_day_was_as_told}


def _write(block: Block, folder: Path) -> None:
    if block in FILES:
        text = block.text
        path = folder / text.splitlines()[0].removeprefix("# ")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _run(block: Block, folder: Path) -> None:
    """Run each line as a shell would that has nothing to expand; of `autolab` without its imports, which cost most."""
    first, _, second = block.text.replace("\\\n", " ").partition(SECOND)
    *before, last = _lines(block, first)
    for line in before:
        _expect(block, line, _given(line, folder))
    if not second:
        _expect(block, last, _given(last, folder))
        return
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(_given, last, folder)
        for line in _lines(block, second):
            _expect(block, line, _given_when_asked(line, folder, running))
        _expect(block, last, running.result())


def _lines(block: Block, text: str) -> Iterator[str]:
    for line in text.splitlines():
        if line.strip() and not line.startswith("#"):
            assert line.startswith(ALLOWED), f"{block.id}: a test may not run this: {line}"
            assert not set(line) & SHELL, f"{block.id}: this needs a shell: {line}"
            yield line


def _given(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    name, *words = shlex.split(line, comments=True)
    if name == "autolab":
        return autolab(*words, cwd=folder, seconds=250)
    return subprocess.run([name, *words], cwd=folder, capture_output=True, text=True, check=False)


def _given_when_asked(line: str, folder: Path, running: _Running) -> subprocess.CompletedProcess[str]:
    """Give an answer until it is taken, or the command that shall ask for it has ended."""
    while (done := _given(line, folder)).returncode and not running.done():
        wait([running], timeout=0.5)
    return done


def _expect(block: Block, line: str, done: subprocess.CompletedProcess[str]) -> None:
    wanted = re.search(r"# .*\bexit code (\d+)$", line)
    said = f"{block.id}\n{line}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    assert done.returncode == (int(wanted[1]) if wanted else 0), said


def _keep_secret(path: Path) -> None:
    path.write_text("a-secret-of-some-length", encoding="utf-8")
    path.chmod(0o600)


@pytest.mark.parametrize("block", FILES, ids=lambda block: block.id)
def test_a_file_on_a_page_is_one_that_autolab_takes(block: Block, tmp_path: Path, repository: Path) -> None:
    from autolab.config.campaign import load_campaign
    from autolab.config.lab import load_lab
    from autolab.config.notify import load_notify

    shutil.copytree(repository / "examples", tmp_path / "examples")
    _write(block, tmp_path)
    text = block.text
    path = tmp_path / text.splitlines()[0].removeprefix("# ")
    if "\ndevices:" in text:
        load_lab(path)
    elif path.name == "notify.yaml":
        for name in re.findall(r"_file: ([\w-]+)", text):
            _keep_secret(path.with_name(name))
        load_notify(path)
    else:
        load_campaign(path)


@pytest.mark.parametrize("block", FILES, ids=lambda block: block.id)
def test_a_file_on_a_page_is_the_example_that_it_names(block: Block, repository: Path) -> None:
    text = block.text
    name, _, rest = text.partition("\n")
    example = repository / name.removeprefix("# ")
    if example.exists():
        assert example.read_text(encoding="utf-8").partition("\n")[2] == rest, f"{name} on the page is not the file"
