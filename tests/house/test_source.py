"""The code that ships keeps the house rules that no linter counts."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

PACKAGES = ("autolab", "devices", "plans", "optimizer", "simulators", "safety", "facility_review")
LONGEST_FUNCTION = 60
LONGEST_FILE = 400


def _sources(repository: Path) -> Iterator[tuple[str, str]]:
    for package in PACKAGES:
        for path in sorted((repository / package).rglob("*.py")):
            yield path.relative_to(repository).as_posix(), path.read_text(encoding="utf-8")


def _exceptions(repository: Path) -> dict[str, str]:
    """The places that docs/reference/style.md lists as breaking the style, with their reasons."""
    page = (repository / "docs/reference/style.md").read_text(encoding="utf-8")
    part = page.partition("## Where we break our own style")[2]
    return dict(re.findall(r"^\| `([^`]+)` \| (.+?) \|$", part, flags=re.MULTILINE))


def test_functions_are_short(repository: Path) -> None:
    listed = _exceptions(repository)
    long = []
    for path, text in _sources(repository):
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > LONGEST_FUNCTION and f"{path}::{node.name}" not in listed:
                    long.append(f"{path}::{node.name} has {length} lines")
    assert not long, f"more than {LONGEST_FUNCTION} lines:\n" + "\n".join(long)


def test_files_are_short(repository: Path) -> None:
    listed = _exceptions(repository)
    lengths = {path: len(text.splitlines()) for path, text in _sources(repository)}
    long = [f"{path} has {n} lines" for path, n in lengths.items() if n > LONGEST_FILE and path not in listed]
    assert not long, f"more than {LONGEST_FILE} lines:\n" + "\n".join(long)


def test_what_breaks_the_style_exists(repository: Path) -> None:
    for place, reason in _exceptions(repository).items():
        path, _, function = place.partition("::")
        assert (repository / path).exists(), f"style.md lists {place}, which is gone"
        assert f"def {function}(" in (repository / path).read_text(encoding="utf-8") or not function
        assert len(reason) > 20, f"style.md gives no reason for {place}"


def test_nothing_is_left_for_later(repository: Path) -> None:
    marks = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
    found = [f"{path}: {mark}" for path, text in _sources(repository) for mark in marks.findall(text)]
    assert not found, found


def test_shipped_code_asserts_nothing(repository: Path) -> None:
    """``python -O`` removes assertions; what must hold is checked and raised."""
    found = [
        f"{path}:{node.lineno}"
        for path, text in _sources(repository)
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Assert)
    ]
    assert not found, found


def test_each_exception_to_a_rule_gives_its_reason(repository: Path) -> None:
    ignores = re.compile(r"#\s*(noqa|pyright: ignore)(.*)$")
    bare = []
    for path, text in _sources(repository):
        for number, line in enumerate(text.splitlines(), start=1):
            if (found := ignores.search(line)) and not re.search(r"\(.+\)", found.group(2)):
                bare.append(f"{path}:{number}: {line.strip()}")
    assert not bare, "a noqa or an ignore without a reason in parentheses:\n" + "\n".join(bare)


def test_nothing_is_imported_from_the_tests_or_the_benchmarks(repository: Path) -> None:
    pattern = re.compile(r"^\s*(?:from|import) (tests|benchmarks|examples)\b", flags=re.MULTILINE)
    found = [path for path, text in _sources(repository) if pattern.search(text)]
    assert not found, found
