"""A YAML file as plain values, with the line of each of them.

The part of YAML that is read: mappings with text keys, lists, and the scalars of the core schema. Tags, anchors,
aliases and merge keys are refused, and so is all that could mean something else than it looks (a key given twice,
several documents in one file).
"""

from __future__ import annotations

import difflib
import os
import re
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import yaml

from autolab.config.refusals import raise_refusals
from autolab.config.scalars import read_scalar
from autolab.config.specs import Source
from autolab.config.words import KeyPath, kind_of, shown
from autolab.config.yamlsyntax import syntax_problem
from autolab.core.errors import FileError

__all__ = ["MAX_BYTES", "MAX_DEPTH", "MAX_VALUES", "YamlFile", "read_yaml"]

MAX_BYTES = 1_000_000
"""Largest file that is read, in bytes."""
MAX_VALUES = 20_000
"""Most keys and values; a file that people write has hundreds."""
MAX_DEPTH = 20
"""Deepest nesting of lists and mappings."""
_EMPTY = "the file is empty: write the keys that it needs ('autolab schema' lists them)"
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029]")


@dataclass(frozen=True, slots=True)
class YamlFile:
    """What a file says."""

    values: dict[str, Any]
    """The top mapping, in plain values: mappings, lists, texts, numbers, booleans and null."""
    source: Source


def read_yaml(path: str | Path) -> YamlFile:
    """Read a YAML file whose top level is a mapping.

    Args:
        path: The file; messages name it as it is given here.

    Raises:
        FileError: the file cannot be read, or is not YAML of the kind that is read here.
        InputErrors: several such problems.
    """
    name = str(path)
    text = _read_text(name, Path(path))
    if (quick := _read_quickly(name, text)) is not None:
        return YamlFile(quick.finish(), Source(name, text, quick.lines))
    builder = _Builder(name)
    try:
        builder.take_all(text, yaml.SafeLoader)
    except FileError:
        raise
    except yaml.MarkedYAMLError as error:
        raise FileError(name, *syntax_problem(error)) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        character = f"U+{ord(error.character) if isinstance(error.character, str) else error.character:04X}"
        raise FileError(name, line, f"the control character {character} stands here: remove it") from None
    except (ValueError, OverflowError):  # an escape beyond Unicode, such as "\UFFFFFFFF"
        line = builder.line
        raise FileError(name, line, "an escape after this line is no character: use single quotes") from None
    return YamlFile(builder.finish(), Source(name, text, builder.lines))


def _read_quickly(name: str, text: str) -> _Builder | None:
    """What libyaml makes of a text: sooner, and the same. None where PyYAML's own parser must look.

    That one says better what is wrong; and libyaml takes tabs between words, which are refused here.
    """
    builder = _Builder(name)
    if "\t" in text or not yaml.__with_libyaml__:
        return None
    try:
        builder.take_all(text, yaml.CSafeLoader)
    except FileError:
        raise
    except (yaml.YAMLError, ValueError, OverflowError):
        return None
    return builder


def _read_text(name: str, path: Path) -> str:
    """The text of a regular UTF-8 file of bearable size."""
    try:
        found = path.stat()
        if stat.S_ISDIR(found.st_mode):
            raise FileError(name, None, "this is a directory, and a YAML file is wanted: name the file inside it")
        if not stat.S_ISREG(found.st_mode):
            raise FileError(name, None, "this is not a regular file: save the text in a file, and name that")
        if found.st_size > MAX_BYTES:
            raise _too_large(name, found.st_size)
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        raise FileError(name, None, f"there is no such file{_near(path)}") from None
    except FileError:
        raise
    except (OSError, ValueError) as error:
        why = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else "its name is not possible"
        raise FileError(name, None, f"the file cannot be read ({why}): check the name and its permissions") from None
    return _decode(name, data)


def _decode(name: str, data: bytes) -> str:
    if len(data) > MAX_BYTES:
        raise _too_large(name, len(data))
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise FileError(name, None, "the file is UTF-16 text: save it as UTF-8")
    if b"\0" in data:
        raise FileError(name, None, "this is a binary file (it holds NUL bytes), and a YAML text is wanted")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise FileError(name, line, f"byte 0x{data[error.start]:02x} is not UTF-8: save the file as UTF-8") from None
    if not text.strip():
        raise FileError(name, None, _EMPTY)
    return text


def _too_large(name: str, size: int) -> FileError:
    return FileError(
        name, None, f"the file has {size} bytes, and at most {MAX_BYTES} are read: check that it is the right one"
    )


def _near(path: Path) -> str:
    try:
        neighbours = [item.name for item in path.parent.iterdir() if item.suffix in {".yaml", ".yml"}]
    except OSError:
        return ": check the path"
    near = difflib.get_close_matches(path.name, sorted(neighbours), n=1)
    return f": did you mean {str(path.with_name(near[0]))!r}?" if near else ": check the path"


@dataclass(slots=True)
class _Open:
    """A list or mapping that is being read."""

    value: dict[str, Any] | list[Any]
    path: KeyPath
    key: str | None = None
    """Key that waits for its value."""
    is_dropped: bool = False
    """True where the key was refused: its value is read and thrown away."""
    seen: dict[str, int] = field(default_factory=dict[str, int])
    """Line of each key."""


class _Builder:
    """Builds plain values from the reader's events, without recursion, and gathers what is refused."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.lines: dict[KeyPath, int] = {}
        self.line = 1
        self._open: list[_Open] = []
        self._problems: list[FileError] = []
        self._documents = 0
        self._n_events = 0
        self._top: object = None

    def take_all(self, text: str, parser: type[yaml.SafeLoader | yaml.CSafeLoader]) -> None:
        """Take what a parser makes of a text."""
        for event in yaml.parse(text, Loader=parser):
            self.take(event)

    def take(self, event: yaml.Event) -> None:
        """Take the next event."""
        self._n_events += 1
        if self._n_events > MAX_VALUES:
            raise FileError(
                self.name, self.line, f"more than {MAX_VALUES} keys and values stand up to here: is it the right file?"
            )
        if event.start_mark is not None:
            self.line = event.start_mark.line + 1
        if isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                raise FileError(self.name, self.line, "a second document begins here: keep one '---' at most")
        elif isinstance(event, yaml.AliasEvent):
            self._refuse(f"'*{event.anchor}' refers to another place: write the value out")
            top = self._waiting_for_key()
            if top is None:
                self._place(None)
            else:
                top.is_dropped = True
        elif isinstance(event, yaml.ScalarEvent):
            self._check_node(event)
            self._scalar(event)
        elif isinstance(event, yaml.CollectionStartEvent):
            self._check_node(event)
            self._begin({} if isinstance(event, yaml.MappingStartEvent) else [])
        elif isinstance(event, yaml.CollectionEndEvent):
            self._open.pop()

    def finish(self) -> dict[str, Any]:
        """The top mapping; all problems that were found, where there are any."""
        raise_refusals(self.name, self._problems)
        if self._top is None:
            raise FileError(self.name, None, _EMPTY)
        top = self._top
        if not isinstance(top, dict):
            raise FileError(
                self.name,
                self.lines.get((), 1),
                f"{kind_of(top)} stands at the top, and keys with values are wanted, such as 'name: ...'",
            )
        return cast("dict[str, Any]", top)

    def _refuse(self, message: str) -> None:
        self._problems.append(FileError(self.name, self.line, message))

    def _check_node(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent) -> None:
        if event.anchor is not None:
            self._refuse(f"'&{event.anchor}' names a value for use elsewhere: remove it, and write each value out")
        if event.tag is not None:
            tag = event.tag.replace("tag:yaml.org,2002:", "!!")
            self._refuse(f"{shown(tag)} is a tag, and tags are not read: remove it")

    def _begin(self, value: dict[str, Any] | list[Any]) -> None:
        if len(self._open) >= MAX_DEPTH:
            raise FileError(
                self.name, self.line, f"lists and mappings are nested more than {MAX_DEPTH} deep: flatten them"
            )
        top = self._waiting_for_key()
        if top is not None:
            self._refuse(f"{shown(value)} is used as a key, and a key is a text: write 'key: value'")
            top.is_dropped = True  # stays so until the value of this key has been read
            self._open.append(_Open(value, ()))
            return
        path = self._place(value)
        self._open.append(_Open(value, path))

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        text = event.value
        if control := _CONTROL.search(text):
            self._refuse(f"the text holds the control character U+{ord(control.group()):04X}: remove it")
            text = "text"
        try:
            value = read_scalar(text) if event.implicit[0] else text
        except ValueError as error:
            self._refuse(str(error))
            value = 0
        top = self._waiting_for_key()
        if top is None:
            self._place(value)
        else:
            self._key(top, value, text)

    def _waiting_for_key(self) -> _Open | None:
        """The mapping whose next key is due, or None where a value is."""
        top = self._open[-1] if self._open else None
        is_waiting = top is not None and isinstance(top.value, dict) and top.key is None and not top.is_dropped
        return top if is_waiting else None

    def _key(self, top: _Open, value: object, text: str) -> None:
        if value == "<<" and isinstance(value, str):
            self._refuse("'<<' merges another mapping: write its keys out")
        elif not isinstance(value, str):
            self._refuse(f"the key {text or 'null'} is not a text: put it in quotes, as '{text or 'null'}'")
        elif value in top.seen:
            self._refuse(f"the key {shown(value)} is given twice, first in line {top.seen[value]}: keep one of them")
        else:
            top.key = value
            top.seen[value] = self.line
            self.lines[*top.path, value] = self.line
            return
        top.is_dropped = True

    def _place(self, value: Any) -> KeyPath:
        """Put a value where it belongs, and return its path."""
        if not self._open:
            self._top = value
            self.lines[()] = self.line
            return ()
        top = self._open[-1]
        if isinstance(top.value, list):
            path: KeyPath = (*top.path, len(top.value))
            top.value.append(value)
            self.lines[path] = self.line
            return path
        if top.is_dropped or top.key is None:
            top.is_dropped = False
            return ()
        path = (*top.path, top.key)
        top.value[top.key] = value
        top.key = None
        return path
