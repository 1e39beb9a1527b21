"""What the pages say is so: links lead somewhere, commands and keys are described, and words mean one thing."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from tests.docs import pages
from tests.docs.pages import Block

PACKAGES = ("autolab", "devices", "plans", "optimizer", "simulators", "safety", "facility_review")
RESERVED = {
    "operator": "say technician",
    "master": "say controller, or primary",
    "blacklist": "say refused",
    "whitelist": "say allowed",
    "sanity": "say check",
}
QUOTING = ("docs/reference/readiness-criteria.md",)
"""Pages made from the words of the readiness instrument, which speaks of operators as its sources do."""
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")


def _autolab(*words: str) -> str:
    command = [sys.executable, "-m", "autolab.cli", *words]
    return subprocess.run(command, cwd=pages.ROOT, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("page", pages.pages(), ids=pages.name)
def test_links_lead_somewhere(page: Path) -> None:
    targets = [target for target in LINK.findall(pages.prose(page)) if not re.match(r"[a-z]+://|#|mailto:", target)]
    broken = [target for target in targets if not (page.parent / target.partition("#")[0]).exists()]
    assert not broken, f"{pages.name(page)} links to what is not there: {broken}"


@pytest.mark.parametrize("page", pages.pages(), ids=pages.name)
def test_words_mean_one_thing(page: Path) -> None:
    text = page.read_text(encoding="utf-8").lower()
    found = {word: advice for word, advice in RESERVED.items() if re.search(rf"\b{word}s?\b", text)}
    if pages.name(page) in QUOTING:
        found.pop("operator", None)
    assert not found, f"{pages.name(page)}: {found}"


@pytest.mark.parametrize("folder", [*PACKAGES, "examples"])
def test_code_keeps_to_the_same_words(folder: str) -> None:
    """The operators of arithmetic are meant where code says so; a person is never one."""
    words = [*(rf"\b{word}s?\b" for word in RESERVED if word != "operator"), r"\b(?:the|an|by|ask|tell) operator\b"]
    found = [
        f"{pages.name(path)}: {word}"
        for path in sorted((pages.ROOT / folder).rglob("*.py"))
        for word in words
        if re.search(word, path.read_text(encoding="utf-8").lower())
    ]
    assert not found, found


def test_every_page_is_reached_from_the_index() -> None:
    index = pages.ROOT / "docs" / "README.md"
    seen, waiting = set[Path](), [index, pages.ROOT / "README.md", pages.ROOT / "CONTRIBUTING.md"]
    while waiting:
        page = waiting.pop()
        if page in seen or not page.exists():
            continue
        seen.add(page)
        targets = [target.partition("#")[0] for target in LINK.findall(pages.prose(page))]
        waiting += [(page.parent / target).resolve() for target in targets if target.endswith(".md")]
    lost = [pages.name(page) for page in (pages.ROOT / "docs").rglob("*.md") if page not in seen]
    assert not lost, lost


def test_every_command_is_described() -> None:
    text = (pages.ROOT / "docs/reference/commands.md").read_text(encoding="utf-8")
    commands = re.findall(r"^  ([a-z]+)  +\S", _autolab("--help").partition("Commands:")[2], flags=re.MULTILINE)
    assert len(commands) > 5
    assert not [command for command in commands if f"autolab {command}" not in text]


@pytest.mark.parametrize("which", ["campaign", "lab"])
def test_every_key_is_described(which: str) -> None:
    text = (pages.ROOT / f"docs/reference/{which}-file.md").read_text(encoding="utf-8")
    keys = _keys(json.loads(_autolab("schema", which)))
    assert len(keys) > 10
    assert not sorted(key for key in keys if f"`{key}`" not in text)


def _keys(schema: object) -> set[str]:
    found = set[str]()
    if isinstance(schema, dict):
        found |= set(schema.get("properties", {}))
        found |= {key for part in schema.values() for key in _keys(part)}
    elif isinstance(schema, list):
        found |= {key for part in schema for key in _keys(part)}
    return found


def test_every_exit_code_is_described() -> None:
    from autolab.core import errors

    text = (pages.ROOT / "docs/reference/exit-codes.md").read_text(encoding="utf-8")
    classes = [getattr(errors, name) for name in errors.__all__]
    assert not [c for c in {*(c.exit_code for c in classes), 0, 130} if not re.search(rf"^\| {c} \|", text, re.M)]


def test_every_word_of_the_vocabulary_is_in_the_glossary() -> None:
    text = (pages.ROOT / "docs/reference/glossary.md").read_text(encoding="utf-8")
    words = re.findall(r"^\| ([\w ]+) \|", text, flags=re.MULTILINE)[1:]
    assert words == sorted(words, key=str.lower)


def test_decisions_are_numbered_and_listed() -> None:
    folder = pages.ROOT / "docs/explanation/decisions"
    listed = (folder / "README.md").read_text(encoding="utf-8")
    for number, page in enumerate(sorted(folder.glob("0*.md")), start=1):
        assert page.name.startswith(f"{number:04d}-")
        assert page.name in listed
        text = page.read_text(encoding="utf-8")
        assert text.startswith(f"# {number}. ")
        parts = ("## Context", "## Decision", "## Consequences")
        assert all(part in text for part in parts), f"{page.name} needs {parts}"


@pytest.mark.parametrize("block", pages.blocks("python"), ids=lambda block: block.id)
def test_python_on_a_page_runs(block: Block, monkeypatch: pytest.MonkeyPatch) -> None:
    """In this process, which has imported the libraries already; no name is there that the block does not bring."""
    monkeypatch.chdir(pages.ROOT)
    with warnings.catch_warnings():
        warnings.simplefilter("default")  # as Python has it where nobody says otherwise
        exec(compile(block.text, block.id, "exec"), {"__name__": "__main__"})


def test_pictures_are_light() -> None:
    heavy = [path.name for path in (pages.ROOT / "docs/images").glob("*") if path.stat().st_size > 300_000]
    assert not heavy
