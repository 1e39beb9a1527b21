"""The pages of the documentation: where they are, and the fenced blocks in them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_FENCE = re.compile(r"^(`{3,})([a-z]*)\n(.*?)^\1\n", flags=re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block."""

    page: str
    line: int
    language: str
    text: str

    @property
    def id(self) -> str:
        return f"{self.page}:{self.line}"


def pages() -> list[Path]:
    """All pages, the front page included."""
    return sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def blocks(*languages: str) -> list[Block]:
    """The fenced blocks of all pages in one of these languages, in their order."""
    return [
        Block(name(page), text.count("\n", 0, match.start()) + 1, match.group(2), match.group(3))
        for page in pages()
        for text in [page.read_text(encoding="utf-8")]
        for match in _FENCE.finditer(text)
        if match.group(2) in languages
    ]


def prose(page: Path) -> str:
    """The text of a page without its fenced blocks."""
    return _FENCE.sub("", page.read_text(encoding="utf-8"))
