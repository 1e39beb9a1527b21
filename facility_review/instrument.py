"""The readiness instrument: what is asked, how it is scored, and what each level takes.

An instrument is data, ``instruments/v0_1_0.yaml`` and its successors, read as any file that people write: what
contradicts itself is refused with file and line. Versions stand side by side, and each result names its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from autolab.config.problems import Problems
from autolab.config.words import did_you_mean
from autolab.config.yamlfile import read_yaml
from autolab.core.canonical import content_hash
from autolab.core.errors import InputError
from facility_review.assessment import InstrumentUsed
from facility_review.consistency import check_consistency
from facility_review.instrumentmodel import (
    Criterion,
    Dimension,
    FactDefinition,
    Gate,
    InstrumentFile,
    LevelRule,
    Metric,
)

__all__ = ["FOLDER", "Instrument", "instrument_from", "load_instrument", "read_instrument", "versions"]

FOLDER = Path(__file__).with_name("instruments")
"""Where the versions are kept that this package brings."""


@dataclass(frozen=True, slots=True)
class Instrument:
    """One version of the instrument, with its parts by id."""

    file: InstrumentFile = field(repr=False)
    """All that the file says."""
    content_hash: str
    """SHA-256 of the file's values in canonical JSON: comments and layout do not count."""
    dimensions: Mapping[str, Dimension] = field(repr=False)
    criteria: Mapping[str, Criterion] = field(repr=False)
    metrics: Mapping[str, Metric] = field(repr=False)
    gates: Mapping[str, Gate] = field(repr=False)
    levels: Mapping[str, LevelRule] = field(repr=False)
    """R0 first."""
    facts: Mapping[str, FactDefinition] = field(repr=False)
    criterion_of: Mapping[str, str] = field(repr=False)
    """The criterion that scores a metric, by metric id; metrics that nothing scores are left out."""

    @property
    def version(self) -> str:
        """Version of the instrument."""
        return self.file.instrument.version

    @property
    def used(self) -> InstrumentUsed:
        """How a result names the instrument that it was made with."""
        head = self.file.instrument
        return InstrumentUsed(head.id, head.version, self.content_hash, head.disclaimer)


def versions(folder: Path = FOLDER) -> tuple[str, ...]:
    """The versions that stand side by side, oldest first."""
    names = [path.stem[1:].split("_") for path in folder.glob("v*.yaml")]
    numbers = sorted(tuple(int(part) for part in name) for name in names if all(part.isdigit() for part in name))
    return tuple(".".join(map(str, number)) for number in numbers)


def load_instrument(version: str | None = None, folder: Path = FOLDER) -> Instrument:
    """The instrument of a version, read once.

    Args:
        version: Such as ``0.1.0``; the newest where none is named.
        folder: Where the versions are.

    Raises:
        InputError: there is no such version.
        FileError: the file contradicts itself (InputErrors where it does so in several places).
    """
    known = versions(folder)
    wanted = version or (known[-1] if known else "")
    if wanted not in known:
        guess = did_you_mean(wanted, list(known))
        raise InputError(
            f"instrument version {wanted!r}: there is none in {folder}; "
            + (f"did you mean {guess!r}?" if guess else f"there are {', '.join(known) or 'none at all'}")
        )
    return _cached(folder / f"v{wanted.replace('.', '_')}.yaml")


def read_instrument(path: str | Path) -> Instrument:
    """Read and check the file of an instrument.

    Args:
        path: The file; messages name it as it is given here.

    Raises:
        FileError: the file or one line of it is refused.
        InputErrors: several lines are refused; all of them are reported.
    """
    file = read_yaml(path)
    problems = Problems(file.source)
    problems.check_shape(InstrumentFile, file.values)
    problems.raise_any()
    model = InstrumentFile.model_validate(file.values)
    check_consistency(model, problems)
    problems.raise_any()
    return instrument_from(model, content_hash(file.values))


def instrument_from(file: InstrumentFile, digest: str) -> Instrument:
    """The instrument that a checked file describes."""
    return Instrument(
        file=file,
        content_hash=digest,
        dimensions={item.id: item for item in file.dimensions},
        criteria={item.id: item for item in file.criteria},
        metrics={item.id: item for item in file.metrics},
        gates={item.id: item for item in file.gates},
        levels={item.id: item for item in file.levels},
        facts={item.id: item for item in file.facts},
        criterion_of={item.metric.id: item.id for item in file.criteria if item.metric is not None},
    )


@lru_cache(maxsize=8)
def _cached(path: Path) -> Instrument:
    return read_instrument(path)
