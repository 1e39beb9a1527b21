"""The commands on the pages, given one after the other in a fresh folder, do what the pages say."""

from __future__ import annotations

import functools
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.cli.running import autolab
from tests.docs import pages
from tests.docs.pages import Block

ALLOWED = ("autolab ", "mkdir ", "cp ", "head ", "ls")
"""What a page may ask its reader to type in a block that is executed."""
SHELL = frozenset("|&;<>$`*?(){}~!\\")
"""What a shell would not hand on as it stands."""

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


def _write(block: Block, folder: Path) -> None:
    if block in FILES:
        text = block.text
        path = folder / text.splitlines()[0].removeprefix("# ")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _run(block: Block, folder: Path) -> None:
    """Run each line as a shell would that has nothing to expand; of `autolab` without its imports, which cost most."""
    for line in block.text.replace("\\\n", " ").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        assert line.startswith(ALLOWED), f"{block.id}: a test may not run this: {line}"
        assert not set(line) & SHELL, f"{block.id}: this needs a shell: {line}"
        name, *words = shlex.split(line, comments=True)
        run = functools.partial(autolab, seconds=250) if name == "autolab" else functools.partial(_program, name)
        done = run(*words, cwd=folder)
        assert done.returncode == 0, f"{block.id}\n{line}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"


def _program(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, cwd=cwd, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("block", FILES, ids=lambda block: block.id)
def test_a_file_on_a_page_is_one_that_autolab_takes(block: Block, tmp_path: Path, repository: Path) -> None:
    from autolab.config.campaign import load_campaign
    from autolab.config.lab import load_lab

    shutil.copytree(repository / "examples", tmp_path / "examples")
    _write(block, tmp_path)
    text = block.text
    path = tmp_path / text.splitlines()[0].removeprefix("# ")
    if "\ndevices:" in text:
        load_lab(path)
    else:
        load_campaign(path)


@pytest.mark.parametrize("block", FILES, ids=lambda block: block.id)
def test_a_file_on_a_page_is_the_example_that_it_names(block: Block, repository: Path) -> None:
    text = block.text
    name, _, rest = text.partition("\n")
    example = repository / name.removeprefix("# ")
    if example.exists():
        assert example.read_text(encoding="utf-8").partition("\n")[2] == rest, f"{name} on the page is not the file"
