"""The relay as a process: what its sockets say and what its file keeps, whatever ends first.

A fork of the test runs it, so that it needs no second to start.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import stat
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from safety.relay import main
from tests.rigs import until

PATIENCE_S = 5.0
LONG_S = 60.0
"""A dead-man that does not end while a test runs."""


class Running:
    """A relay in a process of its own."""

    def __init__(self, folder: Path, dead_man_s: float = LONG_S) -> None:
        self.file = folder / "relay.latch"
        self._sockets: list[socket.socket] = []
        self._folder = folder
        stdin, self._stdin = os.pipe()
        self._stdout, stdout = os.pipe()
        with warnings.catch_warnings():  # pytest-xdist has threads, of which the child has none
            warnings.simplefilter("ignore", DeprecationWarning)
            self.pid = os.fork()
        if self.pid == 0:
            self._run([str(folder), str(self.file), str(dead_man_s)], stdin, stdout)
        os.close(stdin)
        os.close(stdout)
        is_ready, _, _ = select.select([self._stdout], [], [], PATIENCE_S)
        self.ready = os.read(self._stdout, 100) if is_ready else b""
        self.code: int | None = None
        self._asker = self._socket(socket.SOCK_DGRAM)
        self._asker.bind(str(folder / "asker"))

    def _run(self, arguments: list[str], stdin: int, stdout: int) -> None:
        """In the child."""
        code = 70
        try:
            os.close(self._stdin)
            os.close(self._stdout)
            os.dup2(stdin, 0)
            os.dup2(stdout, 1)
            sys.stdout = os.fdopen(1, "w")
            code = main(arguments)
        finally:
            os._exit(code)

    def _socket(self, kind: socket.SocketKind) -> socket.socket:
        made = socket.socket(socket.AF_UNIX, kind)
        made.settimeout(PATIENCE_S)
        self._sockets.append(made)
        return made

    def line(self, said: bytes = b"0") -> socket.socket:
        """Connect to the power line, which says at once whether there is power."""
        line = self.connected()
        assert line.recv(1) == said
        return line

    def connected(self) -> socket.socket:
        """Connect to the power line."""
        line = self._socket(socket.SOCK_STREAM)
        line.connect(str(self._folder / "power"))
        return line

    def send(self, *messages: str | bytes) -> None:
        for message in messages:
            data = message.encode() if isinstance(message, str) else message
            self._asker.sendto(data, str(self._folder / "relay"))

    def ask(self, message: str = "STATE") -> str:
        self.send(message)
        return self._asker.recv(1000).decode()

    def on(self) -> None:
        """Ask for power until there is some."""
        self.send("PET 1", "PET 2", "PET 3")
        assert [self._asker.recv(1000) for _ in range(3)] == [b"PET off", b"PET off", b"PET on"]

    def type(self, data: bytes) -> None:
        """Write to its standard input."""
        os.write(self._stdin, data)

    def is_asleep(self) -> bool:
        return psutil.Process(self.pid).status() == psutil.STATUS_SLEEPING

    def kept(self) -> str:
        return self.file.read_text(encoding="utf-8").strip()

    def wait(self) -> int:
        """Its exit code; it is killed where it does not end."""
        if self.code is None:
            with suppress(AssertionError):
                until(self._is_over, "the end of the relay", PATIENCE_S)
        if self.code is None:
            os.kill(self.pid, signal.SIGKILL)
            self.code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self.code

    def _is_over(self) -> bool:
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        if pid:
            self.code = os.waitstatus_to_exitcode(status)
        return bool(pid)

    def leave(self) -> int:
        """Close its standard input."""
        if self._stdin >= 0:
            os.close(self._stdin)
            self._stdin = -1
        return self.wait()

    def end(self) -> int:
        """Close its standard input, and everything else of ours."""
        code = self.leave()
        if self._stdout >= 0:
            os.close(self._stdout)
            self._stdout = -1
        (self._folder / "asker").unlink(missing_ok=True)
        for one in self._sockets:
            one.close()
        return code


@pytest.fixture
def started(tmp_path: Path) -> Iterator[list[Running]]:
    """What a test has started; it ends with it."""
    running: list[Running] = []
    yield running
    for one in running:
        one.end()


@pytest.fixture
def relay(started: list[Running], tmp_path: Path) -> Running:
    started.append(Running(tmp_path))
    return started[0]


def test_there_is_no_power_until_it_was_asked_for_and_then_on_every_line(relay: Running) -> None:
    assert relay.ready == b"ready\n"
    first = relay.line()
    assert (relay.ask(), relay.kept()) == ("STATE off", "off")
    relay.on()
    assert first.recv(1) == b"1"
    assert relay.kept() == "on", "it is in the file before it is on the line"
    relay.line(said=b"1")
    assert relay.ask("OFF") == "OFF off"
    assert first.recv(1) == b"0"
    assert relay.kept() == "off"


def test_the_power_is_off_when_the_answer_to_a_trip_comes(relay: Running) -> None:
    line = relay.line()
    relay.on()
    assert relay.ask("TRIP smoke") == "TRIP latched smoke"
    assert (line.recv(9), relay.kept()) == (b"10", "latched smoke")
    assert relay.ask("RESET") == "RESET off"
    assert relay.kept() == "off"


@pytest.mark.parametrize(("dead_man_s", "longest_s"), [(0.1, 0.9), (1.0, 1.8)])
def test_without_a_pet_the_power_goes_at_the_dead_man_and_not_much_later(
    started: list[Running], tmp_path: Path, dead_man_s: float, longest_s: float
) -> None:
    started.append(Running(tmp_path, dead_man_s))
    line = started[0].line()
    started[0].on()
    assert line.recv(1) == b"1"
    begun_s = time.monotonic()
    assert line.recv(1) == b"0"
    assert time.monotonic() - begun_s < longest_s
    said = f"STATE latched dead-man: nobody has asked for power for {dead_man_s * 1000:g} ms"
    assert started[0].ask() == said


def test_a_relay_that_nobody_has_run_judges_the_watchdog_a_little_later(started: list[Running], tmp_path: Path) -> None:
    """The machine stands still beyond the dead-man; a new line says whether there is power when it goes on."""
    started.append(Running(tmp_path, 0.5))
    relay = started[0]
    relay.on()
    relay.line(said=b"1")
    until(relay.is_asleep, "that it waits for what comes")
    end_s = time.monotonic() + 0.6
    os.kill(relay.pid, signal.SIGSTOP)
    line = relay.connected()
    until(lambda: time.monotonic() > end_s, "the time in which nobody runs")
    os.kill(relay.pid, signal.SIGCONT)
    assert line.recv(1) + line.recv(1) == b"10", "and then it goes all the same"


def test_a_relay_whose_starter_has_gone_ends_and_latches_what_was_on(relay: Running) -> None:
    line = relay.line()
    relay.on()
    assert relay.leave() == 0
    assert relay.kept() == "latched whoever had started the relay has gone"
    assert [line.recv(1) for _ in range(3)] == [b"1", b"0", b""]


def test_a_power_line_ends_with_the_relay(relay: Running) -> None:
    line = relay.line()
    relay.on()
    assert line.recv(1) == b"1"
    os.kill(relay.pid, signal.SIGKILL)
    assert line.recv(1) == b""


def test_a_relay_that_was_off_and_ends_latches_nothing(relay: Running, started: list[Running], tmp_path: Path) -> None:
    assert relay.end() == 0
    assert relay.kept() == "off"
    started.append(Running(tmp_path))
    assert started[1].ask() == "STATE off"


def test_a_relay_that_was_killed_while_it_was_on_is_latched_when_it_is_back(
    relay: Running, started: list[Running], tmp_path: Path
) -> None:
    relay.on()
    os.kill(relay.pid, signal.SIGKILL)
    assert relay.end() == -signal.SIGKILL
    started.append(Running(tmp_path))
    assert started[1].ask() == "STATE latched the relay ended while it was on"
    line = started[1].line()
    for number in range(1, 5):
        assert started[1].ask(f"PET {number}").startswith("PET latched")
    line.setblocking(False)
    with pytest.raises(BlockingIOError):
        line.recv(9)


@pytest.mark.parametrize(
    ("kept", "state"),
    [
        (b"", "off"),
        (b"off\n", "off"),
        (b"on\n", "latched the relay ended while it was on"),
        (b"latched smoke\n", "latched smoke"),
        (b"\n", "latched the file of the latch cannot be read"),
        (b"\xff\xfe", "latched \ufffd\ufffd"),
        (b"offon\n", "latched offon"),
    ],
)
def test_what_the_file_does_not_plainly_call_off_is_a_latch(
    started: list[Running], tmp_path: Path, kept: bytes, state: str
) -> None:
    (tmp_path / "relay.latch").write_bytes(kept)
    started.append(Running(tmp_path))
    assert started[0].ask() == f"STATE {state}"


def test_a_latch_outlives_the_relay_and_the_file_keeps_its_length(
    relay: Running, started: list[Running], tmp_path: Path
) -> None:
    length = relay.file.stat().st_size
    cause = "smoke " * 50
    assert relay.ask(f"TRIP {cause}") == f"TRIP latched {cause}"
    assert relay.file.stat().st_size == length
    assert relay.end() == 0
    started.append(Running(tmp_path))
    assert started[1].ask().startswith("STATE latched smoke smoke")
    assert relay.file.stat().st_size == length


def test_what_it_does_not_understand_changes_nothing(relay: Running) -> None:
    relay.on()
    relay.send(b"\xff\xfe", b"", b"OFFICE", b"PET \xff", b"x" * 2000)
    relay.send("OFF")
    answers = iter(relay._asker.recv(4000).decode() for _ in range(6))
    assert [answer.split(" ")[-1] for answer in answers] == ["on"] * 5 + ["off"]


def test_who_says_no_name_or_does_not_read_is_heeded_all_the_same(relay: Running, tmp_path: Path) -> None:
    relay.on()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as nameless:
        nameless.sendto(b"OFF", str(tmp_path / "relay"))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as gone:
        gone.bind(str(tmp_path / "gone"))
        (tmp_path / "gone").unlink()
        gone.sendto(b"TRIP smoke", str(tmp_path / "relay"))
    assert relay.ask() == "STATE latched smoke"
    assert relay.kept() == "latched smoke"


def test_a_power_line_that_has_ended_takes_none_of_the_others_along(relay: Running) -> None:
    first, second, third = relay.line(), relay.line(), relay.line()
    second.close()
    relay.line()
    relay.on()
    assert [line.recv(1) for line in (first, third)] == [b"1"] * 2
    third.close()
    relay.line(said=b"1")
    assert relay.ask("OFF") == "OFF off"
    assert first.recv(1) == b"0"


def test_a_power_line_that_has_ended_keeps_the_relay_awake_no_longer(relay: Running) -> None:
    relay.line().close()
    relay.line()
    until(relay.is_asleep, "that it waits for what comes", PATIENCE_S)


def test_what_comes_at_its_standard_input_is_not_its_end(relay: Running) -> None:
    relay.type(b"x")
    relay.line()
    relay.on()
    relay.type(b"y")
    relay.line(said=b"1")
    assert relay.ask() == "STATE on"


def test_a_power_line_that_does_not_read_is_cut_and_so_has_no_power(relay: Running) -> None:
    deaf, heard = relay.line(), relay.line()
    poll = select.poll()
    poll.register(deaf, select.POLLHUP)
    for number in range(0, 3000, 3):
        for message in (f"PET {number + 1}", f"PET {number + 2}", f"PET {number + 3}", "OFF"):
            assert relay.ask(message)
        assert heard.recv(1) + heard.recv(1) == b"10"
        if poll.poll(0):  # before it has read anything
            return
    pytest.fail("it was never cut")


def test_nobody_else_may_speak_to_it_or_write_its_file(relay: Running, tmp_path: Path) -> None:
    assert relay.ready == b"ready\n"
    for path in (tmp_path / "relay", tmp_path / "power", relay.file):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("arguments", [[], ["here"], ["here", "there"], ["here", "there", "1", "2"]])
def test_it_says_how_it_is_called(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert capsys.readouterr().err == "usage: python -m safety.relay FOLDER FILE SECONDS\n"
