"""The error tree: one root, and an exit code for each branch.

::

    AutolabError                      1  internal: ours to mend
    ├── InputError                    2  what a person wrote is refused; nothing has moved
    │   ├── FileError                    ... in a file, with file and line
    │   ├── QualityError                 data that give an outcome which is not to be believed
    │   ├── NotAuthorisedError           ... by somebody who may not do this, or cannot prove who they are
    │   └── InputErrors                  several of them, reported together
    ├── SafetyError                   3  stopped by safety
    │   ├── EnvelopeError                a write outside the envelope; nothing was written
    │   ├── TripError                    the lab has tripped; nothing is written before it is reset
    │   ├── InterlockError               a write that an interlock does not permit now
    │   └── ZoneError                    a move through a zone that another device has; nothing was moved
    ├── DeviceError                   4  a device failed
    │   ├── NotConnectedError            it does not answer
    │   ├── DeviceTimeoutError           it answered, and then did not finish in time
    │   ├── ReadbackError                it says done, and its read-back disagrees
    │   ├── CommandRefusedError          the instrument itself refused the command
    │   ├── WireError                    what came over the wire is not what the protocol allows
    │   ├── CalibrationError             an instrument is out of calibration, or cannot be calibrated
    │   └── PlanError                    a plan failed in a way that nobody has named
    ├── InterruptedByPerson           5  paused or stopped by a person, or waiting for one
    ├── IntegrityError                2  the record is not what was written
    ├── StorageError                  6  no room or no right to write, or a record that cannot be read
    └── ProposerError                 1  the proposer failed or answered with something unusable
        └── NoPermittedTrialError     5  nothing may be proposed: the campaign waits for a person

Every message names the object, the value, the bound, and what to do next.
Every error keeps its facts in ``args``, so that it survives pickling between processes.
"""

from __future__ import annotations

from collections.abc import Iterable

__all__ = [
    "AutolabError",
    "CalibrationError",
    "CommandRefusedError",
    "DeviceError",
    "DeviceTimeoutError",
    "EnvelopeError",
    "FileError",
    "InputError",
    "InputErrors",
    "IntegrityError",
    "InterruptedByPerson",
    "NoPermittedTrialError",
    "NotAuthorisedError",
    "NotConnectedError",
    "PlanError",
    "ProposerError",
    "QualityError",
    "ReadbackError",
    "SafetyError",
    "StorageError",
    "WireError",
    "ZoneError",
]


class AutolabError(Exception):
    """Root of the tree. ``str(error)`` is a sentence that a person can act on."""

    exit_code = 1

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows of it: the sentence, without a traceback."""
        return [str(self)]


class InputError(AutolabError, ValueError):
    """Something a person wrote is refused. Nothing has moved."""

    exit_code = 2


class FileError(InputError):
    """A line of a file is refused.

    Args:
        file: Path of the file, as the person named it.
        line: Line number counted from 1, or None where the whole file is meant.
        message: What is wrong, with value, bound and what to do next.
    """

    def __init__(self, file: str, line: int | None, message: str) -> None:
        super().__init__(file, line, message)
        self.file, self.line, self.message = file, line, message

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{place}: {self.message}"


class QualityError(InputError):
    """What a trial measured gives an outcome, and a quality check says that it is not to be believed."""


class NotAuthorisedError(InputError):
    """Somebody may not do this, or cannot prove who they are. The message says who may."""


class InputErrors(InputError):  # noqa: N818 (the plural says what it holds)
    """Several refusals, reported together.

    Args:
        errors: The refusals, in the order in which a person would meet them.
    """

    def __init__(self, errors: Iterable[InputError]) -> None:
        self.errors = tuple(errors)
        super().__init__(self.errors)

    def __str__(self) -> str:
        return "\n".join(str(error) for error in self.errors)


class SafetyError(AutolabError):
    """Stopped by safety."""

    exit_code = 3


class EnvelopeError(SafetyError):
    """A write would leave the envelope, or no envelope is declared. Nothing was written."""


class TripError(SafetyError):
    """The lab has tripped: nothing is written any more until a person has reset it."""


class InterlockError(SafetyError):
    """A write is not permitted now: an interlock does not hold."""


class ZoneError(SafetyError):
    """A move would go through a zone that another device has, or may have. Nothing was moved."""


class DeviceError(AutolabError):
    """A device failed."""

    exit_code = 4


class NotConnectedError(DeviceError):
    """A device does not answer, or what answers is not the device that the lab file names."""


class DeviceTimeoutError(DeviceError, TimeoutError):
    """A device accepted a command and did not finish it in time."""


class ReadbackError(DeviceError):
    """A device reports success, and its read-back disagrees with what was commanded."""


class CommandRefusedError(DeviceError):
    """The instrument itself refused a command; its own limits or state forbid it."""


class WireError(DeviceError):
    """Bytes or messages on the wire break the protocol (checksum, sequence, shape)."""


class CalibrationError(DeviceError):
    """An instrument is out of calibration, or its calibration gave nothing usable. What it measures is not believed."""


class PlanError(DeviceError):
    """A plan failed in a way that nobody has named: a defect of the plan, or of a device class."""


class InterruptedByPerson(AutolabError):  # noqa: N818 (it is a person's decision, no error of theirs)
    """A person paused or stopped the campaign, or it waits for one."""

    exit_code = 5


class IntegrityError(AutolabError):
    """The record is not what was written: it was changed, cut off, or put back. It is refused as evidence."""

    exit_code = 2


class StorageError(AutolabError):
    """No room or no right to write, or a record that this version cannot read."""

    exit_code = 6


class ProposerError(AutolabError):
    """The proposer failed, or answered with something that cannot be used."""


class NoPermittedTrialError(ProposerError):
    """Every point is predicted to break a hard outcome constraint too often: a person has to say what now."""

    exit_code = 5
