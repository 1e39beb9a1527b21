"""Adding an entry to a unit's ``evidence.yaml``: it goes to the end of the file's list, and all else stays as it is."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import yaml

from autolab.config.specs import Source
from autolab.config.yamlfile import read_yaml
from autolab.core.errors import InputError, StorageError
from facility_review.declared import read_entry
from facility_review.evidence import EvidenceRecord, Finding
from facility_review.instrument import Instrument
from facility_review.unitfiles import file_hash, unreadable
from facility_review.units import EVIDENCE_FILE, load_units

__all__ = ["DOCUMENTS", "documents_of", "state"]

MOST_DOCUMENTS = 200
DOCUMENTS = (".pdf", ".csv", ".txt", ".md", ".html", ".json", ".xlsx", ".docx", ".odt", ".png", ".jpg", ".zip")
"""How names of documents end."""


def documents_of(folder: Path) -> list[str]:
    """Documents in a unit's folder, or one folder below it, by their paths from there."""
    found = sorted(path for pattern in ("*", "*/*") for path in folder.glob(pattern) if path.suffix in DOCUMENTS)
    names = [path.relative_to(folder).as_posix() for path in found]
    return [name for name in names if not name.startswith(".") and _is_readable(folder, name)][:MOST_DOCUMENTS]


def state(
    lab: Path, instrument: Instrument, entry: Mapping[str, Any], document: str | None = None
) -> tuple[EvidenceRecord, list[Finding]]:
    """Add an entry to the file of evidence beside a lab file, which is made where it is missing.

    Args:
        lab: The lab file.
        instrument: Knows criteria, metrics and facts.
        entry: What is stated, as the file has it.
        document: Path of the document behind it, from the folder of the lab file; it is hashed now.

    Returns:
        The record that the entry stands for, and what a person should know of it.

    Raises:
        InputError: the entry is refused, or the file that is there cannot be added to.
        StorageError: no room or no right to write.
    """
    (unit,) = load_units([lab])
    file = lab.with_name(EVIDENCE_FILE)
    if file.is_file() and unit.evidence is None:
        raise InputError(f"nothing was written, since {file.name} is refused: {'; '.join(map(str, unit.findings))}")
    whole = {**entry, **({} if document is None else {"files": {document: _hash(unit.folder, document)}})}
    _known(instrument, whole)
    said: Any = unit.evidence.values.get("evidence", []) if unit.evidence is not None else []
    before = cast("list[Any]", said) if isinstance(said, list) else []
    found = read_entry(unit, Source(file.name, "", {}), len(before), whole)
    text = unit.evidence.source.text if unit.evidence is not None else f"unit: {unit.id}\n"
    _write(file, _added(text, whole), [*before, whole])
    return replace(found[0], file=str(file)), found[1]


def _is_readable(folder: Path, name: str) -> bool:
    try:
        return unreadable(folder, name) is None
    except OSError:
        return False


def _hash(folder: Path, name: str) -> str:
    try:
        if problem := unreadable(folder, name):
            raise InputError(f"{name}: {problem}")
        return file_hash(folder / name)
    except OSError as error:
        raise InputError(f"{name}: {error.strerror}: copy the document beside the lab file first") from None


def _known(instrument: Instrument, entry: Mapping[str, Any]) -> None:
    """Refuse what the instrument does not have."""
    for key, known in (("criterion", instrument.criteria), ("metric", instrument.metrics), ("fact", instrument.facts)):
        if key in entry and entry[key] not in known:
            raise InputError(f"{entry[key]!r} is no {key} of the instrument, version {instrument.version}")


def _added(text: str, entry: Mapping[str, Any]) -> str:
    """The text with an entry more."""
    line = yaml.safe_dump(dict(entry), default_flow_style=True, sort_keys=False, allow_unicode=True, width=10_000)
    top: Any = yaml.compose(text, Loader=yaml.SafeLoader)
    node = next((value for key, value in top.value if key.value == "evidence"), None)
    ending = text if text.endswith("\n") else f"{text}\n"
    if node is None:
        return f"{ending}evidence:\n  - {line}"
    if not isinstance(node, yaml.SequenceNode) or node.flow_style:
        raise InputError(f"{EVIDENCE_FILE}: its 'evidence' is no list with '- ' before each entry: write it so first")
    last = max(mark for mark in _ends(node))
    end = text.find("\n", last - 1 if text[last - 1] == "\n" else last)
    end = len(ending) - 1 if end < 0 else end
    return f"{ending[:end]}\n{' ' * node.start_mark.column}- {line}{ending[end + 1 :]}"


def _ends(node: Any) -> Iterator[int]:
    """Where the scalars in a node end."""
    if isinstance(node, yaml.ScalarNode) or node.flow_style:
        yield node.end_mark.index
        return
    for each in cast("list[Any]", node.value):
        for part in cast("tuple[Any, ...]", each if isinstance(each, tuple) else (each,)):
            yield from _ends(part)


def _write(file: Path, text: str, wanted: list[Any]) -> None:
    """Put a text in the place of a file, where it says what is wanted and nothing else has changed.

    Raises:
        InputError: it does not: something in the file is in the way.
        StorageError: no room or no right to write.
    """
    try:
        with tempfile.NamedTemporaryFile("w", dir=file.parent, suffix=".yaml", delete=False, encoding="utf-8") as part:
            part.write(text)
            part.flush()
            os.fsync(part.fileno())
        try:
            if read_yaml(part.name).values.get("evidence") != wanted:
                raise InputError(f"{file.name}: the entry finds no place in it: write it there by hand:\n{wanted[-1]}")
            Path(part.name).chmod(file.stat().st_mode & 0o777 if file.exists() else 0o644)
            Path(part.name).replace(file)
        finally:
            Path(part.name).unlink(missing_ok=True)
    except OSError as error:
        raise StorageError(f"{file}: {error.strerror}: whoever owns it adds the entry") from error
