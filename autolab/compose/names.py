"""Dotted names of plans, reducers and classes, resolved from our packages and those that the lab's owner lists."""

from __future__ import annotations

import difflib
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from autolab.config.specs import Source
from autolab.core.errors import FileError

__all__ = ["Names"]

_OURS = ("devices", "plans", "simulators")
_FOREIGN = ("ophyd", "ophyd_async")


class Names:
    """Resolves the dotted names of one file.

    Args:
        source: The file, for messages.
        packages: Packages of the lab's owner.
        folder: Folder of the lab file; the owner's packages may lie beside it.
    """

    def __init__(self, source: Source, packages: Sequence[str], folder: Path) -> None:
        self._source = source
        self._packages = tuple(packages)
        if packages and str(folder.resolve()) not in sys.path:
            sys.path.insert(0, str(folder.resolve()))

    def resolve(self, dotted: str, path: tuple[str | int, ...], what: str, also: Sequence[str] = ()) -> Any:
        """The object that a dotted name stands for.

        Args:
            dotted: Such as ``plans.colour.mix_and_measure``.
            path: Keys in the file, for the line number.
            what: ``plan``, ``reducer``, ``device class`` or ``simulator class``, for the message.
            also: Packages from which this name may be taken besides.

        Raises:
            FileError: the name is outside the allowed packages, cannot be imported, or does not exist.
        """
        root = dotted.partition(".")[0]
        allowed = (*_OURS, *_FOREIGN, *also, *self._packages)
        if root not in allowed:
            raise self.refused(
                path,
                f"{what} {dotted!r}: names are resolved from {', '.join(allowed)} only; "
                f"list {root!r} under 'packages' in the lab file if it is yours",
            )
        module_name, _, name = dotted.rpartition(".")
        module = self._import(module_name, dotted, path, what)
        if not hasattr(module, name):
            close = difflib.get_close_matches(name, [n for n in dir(module) if not n.startswith("_")], 1)
            hint = f"; did you mean {module_name}.{close[0]}?" if close else ""
            raise self.refused(path, f"{what} {dotted!r}: {module_name} has no {name!r}{hint}")
        return getattr(module, name)

    def _import(self, module: str, dotted: str, path: tuple[str | int, ...], what: str) -> Any:
        try:
            return importlib.import_module(module)
        except ModuleNotFoundError as error:
            raise self.refused(path, f"{what} {dotted!r}: there is no module {error.name!r}") from error
        except Exception as error:  # a person's module may raise anything while it is imported
            detail = f"{type(error).__name__}: {error}"
            raise self.refused(path, f"{what} {dotted!r}: importing {module!r} failed with {detail}") from error

    def refused(self, path: tuple[str | int, ...], message: str) -> FileError:
        """A refusal of what stands at a path of the file."""
        return self._source.error(path, message)
