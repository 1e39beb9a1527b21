"""Mutation testing: ``python -m benchmarks.mutants [--data FOLDER --page FILE --date DATE] [MODULE …]``.

Each mutant is one module with one small change: a comparison, an operator, a constant, a condition, a returned value.
The module's own fast tests run against it, and should fail. A mutant that they do not notice has survived: it wants a
test, or a written reason in ``mutants.yaml`` why it changes nothing that anybody relies on.

A forked child puts the mutant in the place of the module and runs the tests, so that the libraries are imported once.
What was found is kept by the text of the module and of its tests, so that an interrupted run goes on.
"""

from __future__ import annotations

import argparse
import ast
import copy
import ctypes
import hashlib
import importlib
import importlib.abc
import importlib.machinery
import inspect
import json
import os
import resource
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from hypothesis import Phase, settings

from benchmarks.mutations import mutations

ROOT = Path(__file__).resolve().parents[1]
REASONS = Path(__file__).with_suffix(".yaml")
LONGEST_S = 60
"""Processor seconds that the tests of a module may take."""
SLOWER = 2
"""A mutant on which they take so many times what they take on the module, and a few seconds, is noticed: it hangs."""
PATIENCE_S = 120
"""A mutant on which they wait for so long is noticed as well."""
MOST_BYTES = 4 << 30
"""Memory that they may take."""
_CAPABILITIES, _NICE = 0x20080522, 23
"""Linux's version 3 of capabilities, and which of them lets a process ask for priority."""
PRELOADED = ("psutil", "pint", "tests.epics_env", "benchmarks.warm", "_pytest.assertion.rewrite")
TESTS: dict[str, tuple[str, ...]] = {
    "safety.interpreter": ("tests/safety/test_interpreter.py",),
    "safety.windows": ("tests/safety/test_interpreter.py",),
    "safety.latches": ("tests/safety/test_latches.py",),
    "safety.latchrecord": ("tests/safety/test_latches.py",),
    "safety.relay": ("tests/safety/test_relay.py", "tests/safety/test_relay_process.py"),
    "safety.guard": ("tests/safety/test_guard.py",),
    "safety.gate": ("tests/safety/test_gate.py",),
    "safety.trip": ("tests/safety/test_guard.py", "tests/safety/test_interlocking.py"),
    "safety.interlocking": ("tests/safety/test_interlocking.py",),
    "safety.watch": ("tests/safety/test_watch.py",),
    "safety.permits": ("tests/safety/test_permits.py",),
    "safety.tiers": ("tests/safety/test_tiers.py",),
    "safety.zones": ("tests/safety/test_zones.py",),
    "safety.envelope": ("tests/safety/test_envelope.py", "tests/safety/test_guard.py", "tests/safety/test_tiers.py"),
}
"""The tests of each module, by module."""


@dataclass(frozen=True)
class Mutant:
    """A module with one change."""

    module: str
    name: str
    """Function, the text before and after, and which of several alike; stays the same when lines move."""
    line: int
    tree: ast.Module


class MutantLoader(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives the mutant to whoever imports its module."""

    def __init__(self, mutant: Mutant) -> None:
        self._mutant = mutant

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> Any:  # noqa: ARG002 (the import system's)
        if fullname != self._mutant.module:
            return None
        return importlib.machinery.ModuleSpec(fullname, self, origin=str(_path(fullname)))

    def exec_module(self, module: ModuleType) -> None:
        module.__file__ = str(_path(self._mutant.module))
        exec(compile(self._mutant.tree, module.__file__, "exec"), module.__dict__)


def mutants(module: str) -> Iterator[Mutant]:
    """Every mutant of a module."""
    source = _path(module).read_text(encoding="utf-8")
    counts: dict[str, int] = {}
    for scope, before, after, line, tree in mutations(source):
        name = f"{scope}: {before}  →  {after}"
        counts[name] = counts.get(name, 0) + 1
        yield Mutant(module, name if counts[name] == 1 else f"{name} ({counts[name]})", line, copy.deepcopy(tree))


def run_tests(mutant: Mutant, longest_s: int) -> tuple[bool, float]:
    """Whether the tests of its module fail on a mutant, and the processor seconds that they took."""
    child = os.fork()
    if child == 0:
        os.setsid()
        signal.alarm(PATIENCE_S)
        os._exit(_run_tests(mutant, longest_s))
    _, status, used = os.wait4(child, 0)
    with suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)  # what a mutant has started and left
    return status != 0, used.ru_utime + used.ru_stime


def _run_tests(mutant: Mutant, longest_s: int) -> int:
    """In the child: run the tests on the mutant. 0 where they pass."""
    resource.setrlimit(resource.RLIMIT_CPU, (longest_s, longest_s))
    resource.setrlimit(resource.RLIMIT_DATA, (MOST_BYTES, MOST_BYTES))
    give_up_priority()
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    for name in [name for name in sys.modules if name == mutant.module or name.startswith("safety.")]:
        del sys.modules[name]
    sys.meta_path.insert(0, MutantLoader(mutant))
    options = [
        "-x",
        "-q",
        "--no-header",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:xdist",
        "--assert=plain",
        "--hypothesis-profile=mutants",
    ]
    return int(pytest.main([*options, "-o", "addopts=--import-mode=importlib", *TESTS[mutant.module]]))


def give_up_priority() -> None:
    """Let this process and its forks ask in vain for real-time: a mutant may hang, or ask it for another process."""
    kernel = ctypes.CDLL(None, use_errno=True)
    header, sets = (ctypes.c_uint32 * 2)(_CAPABILITIES, 0), (ctypes.c_uint32 * 6)()
    if kernel.capget(header, sets):
        raise OSError(ctypes.get_errno(), "which capabilities this process has cannot be asked")
    for index in range(3):  # effective, permitted, inheritable
        sets[index] &= ~(1 << _NICE)
    if kernel.capset(header, sets):
        raise OSError(ctypes.get_errno(), "the capability to be real-time cannot be given up")


def _path(module: str) -> Path:
    return ROOT / f"{module.replace('.', '/')}.py"


def _fingerprint(module: str) -> str:
    """Of the module, its tests, and what changes the one and runs the other."""
    files = [_path(module), *(ROOT / test for test in TESTS[module]), ROOT / "benchmarks/mutations.py"]
    runner = [inspect.getsource(part).encode() for part in (MutantLoader, mutants, run_tests, _run_tests)]
    return hashlib.sha256(b"\0".join([*(file.read_bytes() for file in files), *runner])).hexdigest()[:16]


def examine(module: str, data: Path) -> dict[str, bool]:
    """Which mutants of a module are noticed, by name; what was found before is not run again."""
    file = data / f"{module}-{_fingerprint(module)}.jsonl"
    file.parent.mkdir(parents=True, exist_ok=True)
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    found: dict[str, bool] = dict(json.loads(line) for line in lines)
    unchanged = Mutant(module, "unchanged", 0, ast.parse(_path(module).read_text(encoding="utf-8")))
    fails, used_s = run_tests(unchanged, LONGEST_S)
    if fails:
        raise SystemExit(f"the tests of {module} fail on the module as it is: run {' '.join(TESTS[module])}")
    longest_s = int(SLOWER * used_s) + 3
    with file.open("a", encoding="utf-8") as out:
        for mutant in mutants(module):
            if mutant.name in found:
                continue
            found[mutant.name], _ = run_tests(mutant, longest_s)
            out.write(json.dumps([mutant.name, found[mutant.name]]) + "\n")
            out.flush()
            if not found[mutant.name]:
                print(f"survived: {module}:{mutant.line}: {mutant.name}", flush=True)
    return found


def page(results: dict[str, dict[str, bool]], reasons: dict[str, dict[str, str]], date: str) -> str:
    """The page of figures."""
    rows = ["| module | mutants | noticed | survived, with a reason | survived |", "|---|---|---|---|---|"]
    for module, found in results.items():
        survivors = [name for name, noticed in found.items() if not noticed]
        excused = [name for name in survivors if name in reasons.get(module, {})]
        counts = (len(found), len(found) - len(survivors), len(excused), len(survivors) - len(excused))
        rows.append(f"| `{module}` | {' | '.join(str(count) for count in counts)} |")
    why = [
        f"- `{module}`, `{name}`: {reasons[module][name]}"
        for module, found in results.items()
        for name, noticed in found.items()
        if not noticed and name in reasons.get(module, {})
    ]
    return "\n".join(
        [
            "# Mutation testing\n",
            f"Measured on {date} by `python -m benchmarks.mutants`. One small change of a module at a time: do its own",
            "tests notice?\n",
            *rows,
            "\n## Survivors and their reasons\n",
            *why,
            "",
        ]
    )


def main() -> int:
    """Examine modules; 1 where a mutant survived without a reason, or a reason is about none."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("modules", nargs="*", default=list(TESTS), metavar="MODULE")
    parser.add_argument("--data", type=Path, default=Path("autolab-data/proofs/mutants"))
    parser.add_argument("--page", type=Path)
    parser.add_argument("--date", default="an unknown day")
    given = parser.parse_args()
    os.chdir(ROOT)
    # The same examples each time, and no search for a simpler one: that a test fails is enough.
    phases = (Phase.explicit, Phase.generate)
    settings.register_profile("mutants", deadline=None, derandomize=True, database=None, phases=phases)
    for name in PRELOADED:
        importlib.import_module(name)
    reasons: dict[str, dict[str, str]] = yaml.safe_load(REASONS.read_text(encoding="utf-8")) or {}
    results: dict[str, dict[str, bool]] = {}
    is_clean = True
    for module in given.modules:
        start = time.monotonic()
        results[module] = examine(module, given.data)
        survivors = {name for name, noticed in results[module].items() if not noticed}
        unexplained, idle = survivors - set(reasons.get(module, {})), set(reasons.get(module, {})) - survivors
        is_clean = is_clean and not unexplained and not idle
        seconds = time.monotonic() - start
        print(f"{module}: {len(results[module])} mutants, {len(survivors)} survived, {seconds:.0f} s")
        for text, names in (("without a reason", unexplained), ("a reason for none", idle)):
            print("".join(f"  {text}: {name}\n" for name in sorted(names)), end="")
    if given.page:
        given.page.write_text(page(results, reasons, given.date), encoding="utf-8")
    return 0 if is_clean else 1


if __name__ == "__main__":
    sys.exit(main())
