"""The reference page of the commands, written from the commands themselves."""

from __future__ import annotations

from typing import Any

from autolab.cli.app import command

__all__ = ["reference"]

_HEAD = """# Commands

This page is written from the code by `autolab.cli.reference.reference`, and a test compares the two.

One program, `autolab`. Results go to standard output, messages to standard error. Data live in `--data DIR`, by
default in `./autolab-data` or where the environment variable `AUTOLAB_DATA` points. With `--json` the answer is JSON.
An ID may be shortened to its unique beginning. `autolab --install-completion` completes commands, options and ids.

| exit code | means |
|---|---|
| 0 | done |
| 1 | internal error; the message names a log file |
| 2 | refused input; nothing has moved. Of `audit verify` and `backup`: the record was changed |
| 3 | stopped by safety; of `safety proof-test`: a path failed |
| 4 | a device failed for good, also at the start |
| 5 | paused or stopped by a person (Ctrl-C once, `pause`, `stop`, SIGTERM), or waiting for one |
| 6 | no room or no right to write |
| 130 | interrupted twice; stopped at once, safely |
"""


def reference() -> str:
    """The page as Markdown."""
    program = command()
    parts = [_HEAD]
    for name, each in program.commands.items():
        inner = getattr(each, "commands", None)
        parts += [_section(f"{name} {word}", one) for word, one in inner.items()] if inner else [_section(name, each)]
    return "\n".join(parts)


def _section(name: str, command: Any) -> str:
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    options = [p for p in command.params if p.param_type_name == "option" and not p.hidden]
    words = " ".join(["autolab", name, *(_word(argument) for argument in arguments), "[OPTIONS]"])
    rows = [(f"`{_word(p)}`", p.help or "", "") for p in arguments]
    rows += [(f"`{_spelling(p)}`", p.help or "", _default(p)) for p in options]
    table = ["| | | default |", "|---|---|---|", *(_row(row) for row in rows)]
    return "\n".join([f"## {name}\n", command.help.strip() + "\n", f"```text\n{words}\n```\n", *table, ""])


def _row(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _word(argument: Any) -> str:
    return argument.metavar or argument.name.upper()


def _spelling(option: Any) -> str:
    names = ", ".join(option.opts)
    if option.is_flag:
        return names
    return f"{names} {option.metavar}" if option.metavar else names


def _default(option: Any) -> str:
    if option.is_flag or option.default is None:
        return ""
    value = getattr(option.default, "value", option.default)
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"
