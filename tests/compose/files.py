"""Campaign and lab files of the examples with one thing changed, in a folder of their own."""

from __future__ import annotations

import shutil
from pathlib import Path

from simulators.ports import free_ports

ENDPOINT = "127.0.0.1:5555"
EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def example(name: str, folder: Path, changes: dict[str, tuple[str, str]] | None = None) -> Path:
    """Copy an example; replace texts in its files. Returns the campaign file.

    Args:
        name: Folder of the example.
        folder: Where the copy goes.
        changes: By file, the text to replace and what replaces it.
    """
    copy = folder / name
    shutil.copytree(EXAMPLES / name, copy)
    for file, (old, new) in (changes or {}).items():
        text = (copy / file).read_text(encoding="utf-8")
        assert old in text, f"{old!r} is not in {file}"
        (copy / file).write_text(text.replace(old, new), encoding="utf-8")
    lab = copy / "lab.yaml"
    lab.write_text(lab.read_text(encoding="utf-8").replace(ENDPOINT, f"127.0.0.1:{free_port()}"), encoding="utf-8")
    return copy / "campaign.yaml"


def free_port() -> int:
    """A port of its own for the arm, so that tests which simulate the lab at its addresses do not meet."""
    return free_ports(1)[0]
