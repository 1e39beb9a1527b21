"""The ``autolab`` command in a process of its own that need not import the libraries again.

Most of a short command's time goes into imports. A server imports them once and forks for each command; the child has
its own session, standard streams, environment, exit code and end, like a command typed at a terminal.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import io
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import types
from collections.abc import Mapping
from contextlib import suppress
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import TextIO

__all__ = ["WarmCommand", "close_server"]

_SERVER_LOCK = threading.Lock()


class WarmCommand:
    """A running command; its interface is the part of `subprocess.Popen` that is needed.

    Args:
        words: Arguments of ``autolab``.
        environment: All variables of the command.
        cwd: The folder in which it runs; this process's by default.
        is_joined: Whether standard error goes where standard output goes.
    """

    def __init__(
        self,
        words: tuple[object, ...],
        environment: Mapping[str, str],
        *,
        cwd: Path | None = None,
        is_joined: bool = False,
    ) -> None:
        context = _server()
        out, out_child = context.Pipe(duplex=False)
        err, err_child = context.Pipe(duplex=False)
        self.stdout, self.stderr = _text(out), _text(err)
        folder = str(cwd or Path.cwd())
        streams = (out_child, out_child if is_joined else err_child)
        arguments = (list(map(str, words)), dict(environment), folder, *streams)
        self._process = context.Process(target=_command, args=arguments)
        self._process.start()
        out_child.close()
        err_child.close()
        if self._process.pid is None:
            raise RuntimeError("the command did not start")
        self.pid = self._process.pid

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """The exit code, or minus the signal that ended it.

        Raises:
            subprocess.TimeoutExpired: it still runs.
        """
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired("autolab", timeout or 0.0)
        return self._process.exitcode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """All that it still says, and its end.

        Raises:
            subprocess.TimeoutExpired: it still runs, or something that it started holds its streams.
        """
        said: dict[str, str] = {}
        readers = [
            threading.Thread(target=lambda name=name, pipe=pipe: said.update({name: pipe.read()}), daemon=True)
            for name, pipe in (("out", self.stdout), ("err", self.stderr))
        ]
        for reader in readers:
            reader.start()
        self.wait(timeout)
        for reader in readers:
            reader.join(timeout)
            if reader.is_alive():
                raise subprocess.TimeoutExpired("autolab", timeout or 0.0)
        self.close()
        return said["out"], said["err"]

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            with suppress(ProcessLookupError):  # it has just ended, as somebody else's child
                os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def kill_group(self) -> None:
        """Kill it with its children, as a machine that loses power does."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)

    def close(self) -> None:
        self.stdout.close()
        self.stderr.close()


def close_server() -> None:
    """End the server, if one was started."""
    with _SERVER_LOCK:
        forkserver._forkserver._stop()  # type: ignore[attr-defined]


def _server() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    with _SERVER_LOCK:
        context.set_forkserver_preload([f"{__package__}.warmup"])
        before = dict(os.environ)
        # Of EPICS a layer without threads, which no fork survives; and the server is told of no other path than this.
        os.environ.update(OPHYD_CONTROL_LAYER="dummy", PYTHONPATH=str(Path(__file__).parents[1]))
        try:
            forkserver.ensure_running()
        finally:
            os.environ.clear()
            os.environ.update(before)
    return context


def _command(words: list[str], environment: dict[str, str], folder: str, out: Connection, err: Connection) -> None:
    os.setsid()
    os.chdir(folder)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(out.fileno(), 1)
    os.dup2(err.fileno(), 2)
    out.close()
    if err is not out:
        err.close()
    sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w", buffering=1), open(2, "w", buffering=1)  # noqa: SIM115
    os.environ.clear()
    os.environ.update(environment)
    sys.meta_path.insert(0, _Ophyd())
    from autolab.cli import main

    sys.exit(main(words))


class _Ophyd(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives the command its ophyd when it asks for it, with the control layer that its environment names.

    EPICS reads its environment when the layer is made, and autolab sets that shortly before it imports ophyd.
    """

    def __init__(self) -> None:
        self._module = sys.modules.pop("ophyd")

    def find_spec(self, name: str, *_: object) -> importlib.machinery.ModuleSpec | None:
        return importlib.machinery.ModuleSpec(name, self, is_package=True) if name == "ophyd" else None

    def create_module(self, _: importlib.machinery.ModuleSpec) -> types.ModuleType:
        return self._module

    def exec_module(self, module: types.ModuleType) -> None:
        module.set_cl()


def _text(pipe: Connection) -> TextIO:
    """The reading end of a pipe as a stream of text."""
    stream = io.TextIOWrapper(io.FileIO(os.dup(pipe.fileno())), encoding="utf-8")
    pipe.close()
    return stream
