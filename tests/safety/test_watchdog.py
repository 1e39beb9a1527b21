"""Relay, watchdog and controller as real processes: whichever is killed or stopped, the power goes, and stays away."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from autolab.core.clock import real_clock
from autolab.core.errors import InputError, SafetyError
from safety.channel import press_stop
from safety.record import latch_in, read_events
from safety.supply import EVENTS, place_of, supplied
from tests.rigs import until
from tests.safety.powering import DEAD_MAN_S, Power, controller, power


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Power]:
    with power(tmp_path / "safety") as rig:
        yield rig


def test_a_controller_that_beats_has_power_until_it_ends_its_work(rig: Power) -> None:
    with controller(rig) as beating:
        assert beating.first == "on"
    rig.until_off()
    assert rig.ask("state")["latch"] is None
    until(lambda: rig.whats() == ["watching", "energised", "released"], "the events")
    assert rig.kept_by_relay() == "off"


def test_a_controller_that_is_killed_loses_the_power(rig: Power) -> None:
    with controller(rig) as beating:
        beating.signal(signal.SIGKILL)
        rig.until_latched("has died")
        rig.until_off()
    assert "has died" in rig.kept_by_relay()


def test_a_controller_that_hangs_loses_the_power_and_learns_of_it(rig: Power) -> None:
    with controller(rig) as beating:
        beating.signal(signal.SIGSTOP)
        rig.until_latched("hangs")
        rig.until_off()
        with pytest.raises(SafetyError, match="is still there"):
            rig.ask("reset", by="alice", because="it looks fine")
        beating.signal(signal.SIGCONT)
        assert "hangs" in beating.hear()


def test_a_controller_that_is_killed_before_its_first_beat_never_had_power(rig: Power) -> None:
    with controller(rig, "silent") as silent:
        silent.signal(signal.SIGKILL)
        until(lambda: "never energised" in rig.whats(), "that the watchdog says so")
    assert "energised" not in rig.whats()
    assert rig.ask("state")["power"] == "off"


def test_a_watchdog_that_is_killed_takes_the_power_with_it(rig: Power) -> None:
    with controller(rig) as beating:
        rig.kill("watchdog")
        assert beating.hear() == "lost the watchdog has gone"
        until(lambda: "dead-man" in rig.kept_by_relay(), "the relay's latch")
    rig.supply.start_watchdog()
    rig.supply.await_ready(real_clock())
    rig.until_latched("the relay: dead-man")


def test_a_relay_that_is_killed_takes_the_power_with_it_and_is_latched_when_it_is_back(rig: Power) -> None:
    with socket.socket(socket.AF_UNIX) as line, controller(rig) as beating:
        line.connect(str(rig.supply.line))
        assert line.recv(1) == b"1"
        rig.kill("relay")
        assert line.recv(1) == b""
        assert "lost the relay has gone" in beating.hear()
    rig.supply.start_relay()
    rig.supply.await_ready(real_clock())
    until(lambda: rig.kept_by_relay().startswith("latched"), "the latch")
    rig.until_reset()
    until(lambda: rig.kept_by_relay() == "off", "the relay's reset")


def test_the_emergency_stop_works_while_the_controller_is_stopped(rig: Power) -> None:
    with controller(rig) as beating:
        beating.signal(signal.SIGSTOP)
        assert press_stop(rig.supply.folder, "button")
        rig.until_latched("")
        rig.until_off()
    assert [event.by for event in rig.events if event.what == "trip"][-1].startswith("button (")


def test_the_emergency_stop_latches_also_without_a_controller(rig: Power) -> None:
    assert press_stop(rig.supply.folder, "the door")
    rig.until_latched("emergency stop by the door")
    with controller(rig) as refused:
        assert refused.first == ""


def test_anybody_may_press_the_stop_and_only_the_owner_may_do_more(rig: Power) -> None:
    folder = rig.supply.folder
    modes = {name: (folder / name).stat().st_mode & 0o777 for name in ("stop", "watchdog", "relay", "power")}
    assert modes == {"stop": 0o666, "watchdog": 0o600, "relay": 0o600, "power": 0o600}
    assert folder.stat().st_mode & 0o777 == 0o711


def test_beats_of_another_process_are_no_beats(rig: Power) -> None:
    with controller(rig, "silent"):
        for number in range(1, 20):
            rig.ask("beat", number=number, scan_s=real_clock().real())
        assert rig.ask("state")["watched"] != os.getpid()
        assert rig.ask("state")["power"] == "off"
    assert "energised" not in rig.whats()


@pytest.mark.parametrize("data", [b"", b"\xff\x00", b"[]", b"{}", b'{"do": "beat"}', b'{"do": "on"}', b'{"do": 1e999}'])
def test_what_cannot_be_read_changes_nothing(data: bytes, rig: Power) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.bind("")
        for name in ("watchdog", "relay"):
            sender.sendto(data, str(rig.supply.folder / name))
    state = rig.ask("state")
    assert (state["power"], state["latch"], state["watched"]) == ("off", None, None)


def test_a_latch_outlives_every_process_and_ends_with_a_reset(tmp_path: Path) -> None:
    keep = tmp_path / "safety"
    with power(keep) as rig, controller(rig) as beating:
        beating.signal(signal.SIGKILL)
        rig.until_latched("has died")
    assert "has died" in str(latch_in(read_events(keep / EVENTS)))
    with power(keep) as rig:
        assert "has died" in rig.ask("state")["latch"]
        with controller(rig) as refused:
            assert refused.first == ""
        rig.until_reset()
        with controller(rig) as again:
            assert again.first == "on"
    resets = [event for event in read_events(keep / EVENTS) if event.what == "reset"]
    assert [(event.by, event.cause.startswith("seen to (it was: ")) for event in resets] == [("alice", True)]


def test_a_reset_is_refused_while_the_relay_is_away(rig: Power) -> None:
    press_stop(rig.supply.folder, "button")
    rig.until_latched("button")
    rig.kill("relay")

    def refusal() -> str:
        with pytest.raises(SafetyError) as refused:
            rig.ask("reset", by="alice", because="seen to")
        return str(refused.value)

    until(lambda: "relay does not answer" in refusal(), "the refusal that names the relay")


def test_a_record_that_was_cut_off_is_a_latch(tmp_path: Path) -> None:
    keep = tmp_path / "safety"
    with power(keep) as rig, controller(rig):
        pass
    with (keep / EVENTS).open("ab") as file:
        file.write(b'{"number": 4, "what": "tr')
    with power(keep) as rig:
        assert "line 4" in rig.ask("state")["latch"]
        rig.until_reset()
    assert latch_in(read_events(keep / EVENTS)) is None


def test_a_second_relay_with_the_same_folder_is_refused(rig: Power) -> None:
    with (
        pytest.raises(InputError, match="a relay runs with this folder already"),
        supplied(rig.supply.keep, DEAD_MAN_S, real_clock()),
    ):
        pass


def test_paths_of_sockets_are_short_whatever_the_temporary_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = tmp_path / ("x" * 90) / "y"
    deep.mkdir(parents=True)
    monkeypatch.setattr("tempfile.tempdir", str(deep))
    with power(tmp_path / "safety") as rig:
        assert place_of(rig.supply.keep) == rig.supply.folder
        assert len(str(rig.supply.folder / "to-watchdog")) < 108
    assert place_of(tmp_path / "safety") is None
