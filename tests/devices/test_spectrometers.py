"""The spectrometer: a spectrum is that of its operation and of the well under the probe, or there is none."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import epics
import numpy as np
import pytest
from bluesky import RunEngine
from bluesky import plan_stubs as bps
from bluesky import protocols as bp

from autolab.core.envelope import AllowedValues, Limit, RangeLimit
from autolab.core.errors import CommandRefusedError, DeviceError, EnvelopeError, NotConnectedError, ReadbackError
from autolab.core.operations import OperationId
from devices.spectrometers import EpicsSpectrometer
from simulators.base import FileStore, Store
from simulators.bench import PROBE_HEAD_MM, well_position
from simulators.physics.spectra import noise_free_absorbance, wavelengths_nm
from simulators.spectrometers import SpectrometerCore
from tests.epics_env import PORTS
from tests.rigs import Ioc, Rig, ioc, ioc_rig, memory_rig

SERVER = "simulators.spectrometers.SpectrometerServer"
PREFIX = "TEST:SPEC:"
FACTOR = 20.0
PATTERN = r"[a-z0-9]{1,8}\.t\d+\.r\d+\.[a-z][a-z0-9-]*\.a\d+"
LIMITS: dict[str, Limit] = {
    "integration_time": RangeLimit("spectrometer.integration_time", 0.001, 5.0, "s"),
    "n_scans": RangeLimit("spectrometer.n_scans", 1, 200, ""),
    "operation": AllowedValues("spectrometer.operation", (), pattern=PATTERN),
}
VOLUMES = {"cyan": 30.0, "yellow": 60.0, "clear": 110.0}


def _put_well_under_probe(store: Store, position_mm: float = well_position(3, PROBE_HEAD_MM), **stage: Any) -> None:
    store.save("stage", {"position": position_mm, "moving": False, **stage})
    store.save("arm", {"places": {"rack_1": None, "stage": "strip-1"}})
    store.save("dispenser", {"wells": {"strip-1": {"3": VOLUMES}}, "mixed": {"strip-1": {"3": 30.0}}})


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Ioc, Path]]:
    folder = tmp_path_factory.mktemp("spectrometer")
    with ioc(SERVER, "spectrometer", folder, {"epics": PREFIX, "port": PORTS[4]}, FACTOR) as process:
        yield process, folder


@pytest.fixture(params=["memory", "ioc"])
def rig(request: pytest.FixtureRequest) -> Rig:
    if request.param == "memory":
        rig = memory_rig(SpectrometerCore, "spectrometer")
    else:
        rig = ioc_rig(*request.getfixturevalue("served"), FACTOR)
    _put_well_under_probe(rig.store)
    return rig


@pytest.fixture
def spectrometer(rig: Rig) -> Iterator[EpicsSpectrometer]:
    device = rig.build(EpicsSpectrometer, "spectrometer", LIMITS)
    for signal_, value in ((device.integration_time, 0.05), (device.n_scans, 4)):
        assert rig.error(signal_.set(value)) is None
    yield device
    device.disconnect()


def _operation(request: pytest.FixtureRequest, phase: str = "measure", trial: int = 1) -> OperationId:
    """An id that no other test uses: its campaign's key comes from the test's name."""
    key = f"{abs(hash(request.node.name)) % 36**5:05d}"[:8]
    return OperationId(key, trial, 1, phase)


def _acquire(rig: Rig, device: EpicsSpectrometer, operation: OperationId) -> Mapping[str, Any]:
    assert rig.error(device.operation.set(str(operation))) is None
    assert rig.error(device.trigger()) is None
    return {name.removeprefix("spectrometer_"): item["value"] for name, item in device.read().items()}


def test_the_spectrometer_meets_the_protocols_of_bluesky(spectrometer: EpicsSpectrometer) -> None:
    wanted = (bp.Readable, bp.Triggerable, bp.Stoppable, bp.Configurable)
    assert all(isinstance(spectrometer, protocol) for protocol in wanted)


def test_the_spectrum_is_that_of_the_well_under_the_probe(
    rig: Rig, spectrometer: EpicsSpectrometer, request: pytest.FixtureRequest
) -> None:
    operation = _operation(request)
    data = _acquire(rig, spectrometer, operation)
    expected = noise_free_absorbance(VOLUMES, 30.0, wavelengths_nm())
    assert data["spectrum"].shape == data["scatter"].shape == (31,)
    assert np.abs(data["spectrum"] - expected).max() < 0.05
    assert data["scatter"].max() < 0.1
    assert (data["done_operation"], data["severity"]) == (str(operation), "NO_ALARM")


def test_the_same_operation_again_gives_the_recorded_spectrum_and_measures_nothing(
    rig: Rig, spectrometer: EpicsSpectrometer, request: pytest.FixtureRequest
) -> None:
    operation = _operation(request)
    first = _acquire(rig, spectrometer, operation)
    counters = spectrometer.counters()
    _put_well_under_probe(rig.store, position_mm=0.0)  # whatever is under the probe by now
    again = _acquire(rig, spectrometer, operation)
    assert np.array_equal(first["spectrum"], again["spectrum"])
    assert spectrometer.counters() == counters
    assert str(spectrometer.ask(spectrometer.outcome)) == "duplicate"


def test_noise_belongs_to_the_place_in_the_campaign_and_not_to_its_key(
    rig: Rig, spectrometer: EpicsSpectrometer
) -> None:
    spectra = [
        _acquire(rig, spectrometer, OperationId(key, trial, 1, phase))["spectrum"]
        for key, trial, phase in (("aa", 7, "noise"), ("bb", 7, "noise"), ("aa", 8, "noise"), ("aa", 7, "noise-b"))
    ]
    assert np.array_equal(spectra[0], spectra[1])
    assert not np.array_equal(spectra[0], spectra[2])
    assert not np.array_equal(spectra[0], spectra[3])


@pytest.mark.parametrize(
    ("stage", "why"),
    [
        ({"position_mm": well_position(3, PROBE_HEAD_MM) + 2.0}, "no well is under its probe"),
        ({"position_mm": 0.0}, "no well is under its probe"),
        ({"moving": True}, "no well is under its probe, or the stage moves"),
    ],
    ids=["between wells", "far away", "moving"],
)
def test_without_a_well_under_the_probe_there_is_no_spectrum(
    rig: Rig, spectrometer: EpicsSpectrometer, request: pytest.FixtureRequest, stage: dict[str, Any], why: str
) -> None:
    _acquire(rig, spectrometer, _operation(request, "before"))
    _put_well_under_probe(rig.store, **stage)
    assert rig.error(spectrometer.operation.set(str(_operation(request, "after")))) is None
    error = rig.error(spectrometer.trigger())
    assert isinstance(error, CommandRefusedError)
    assert why in str(error)
    with pytest.raises(DeviceError, match="INVALID"):
        spectrometer.read()  # nor does the one before pass for it


def test_a_stopped_acquisition_is_never_reported_as_done(
    rig: Rig, spectrometer: EpicsSpectrometer, request: pytest.FixtureRequest
) -> None:
    for signal_, value in ((spectrometer.integration_time, 1.0), (spectrometer.n_scans, 50)):
        assert rig.error(signal_.set(value)) is None
    assert rig.error(spectrometer.operation.set(str(_operation(request)))) is None
    before = spectrometer.counters()
    status = spectrometer.trigger()
    rig.until(lambda: str(spectrometer.ask(spectrometer.outcome)) == "acquiring")
    with pytest.raises(CommandRefusedError, match="still goes on"):
        spectrometer.trigger()
    spectrometer.stop(success=True)
    error = rig.error(status)
    assert type(error) is DeviceError
    assert "the acquisition was stopped" in str(error)
    assert spectrometer.counters() == before


def test_a_setting_that_the_instrument_clamps_is_never_a_success(rig: Rig, spectrometer: EpicsSpectrometer) -> None:
    error = rig.error(spectrometer.integration_time.set(4.0))
    assert isinstance(error, ReadbackError)
    assert "commanded 4 s and it reads back 1 s" in str(error)


def test_what_would_arrive_cut_off_is_never_written(rig: Rig, spectrometer: EpicsSpectrometer) -> None:
    for write in (spectrometer.n_scans.set, spectrometer.n_scans._write_pv.put):
        with pytest.raises(EnvelopeError, match="it takes whole numbers only"):
            write(2.5)
    for write in (spectrometer.operation.set, spectrometer.operation._write_pv.put):
        with pytest.raises(EnvelopeError, match="ends after 39 bytes"):
            write(f"k1.t1.r1.{'m' * 40}.a1")


@pytest.mark.parametrize("value", ["", "no id", "k.t1.r1.measure.a1\n", 5, None, True], ids=repr)
def test_an_operation_id_outside_the_pattern_is_never_written(
    rig: Rig, spectrometer: EpicsSpectrometer, value: Any
) -> None:
    for write in (spectrometer.operation.put, spectrometer.operation.set):
        with pytest.raises(EnvelopeError):
            write(value)


def test_a_bare_run_engine_measures(served: tuple[Ioc, Path], request: pytest.FixtureRequest) -> None:
    rig = ioc_rig(*served, FACTOR)
    _put_well_under_probe(rig.store)
    spectrometer = rig.build(EpicsSpectrometer, "spectrometer", LIMITS)
    engine, documents = RunEngine(context_managers=[]), []

    def plan() -> Any:
        yield from bps.open_run()
        yield from bps.abs_set(spectrometer.operation, str(_operation(request)), wait=True)
        yield from bps.trigger_and_read([spectrometer])
        yield from bps.close_run()

    engine(plan(), lambda name, document: documents.append((name, document)))
    descriptor = next(document for name, document in documents if name == "descriptor")
    event = next(document for name, document in documents if name == "event")
    assert descriptor["data_keys"]["spectrometer_spectrum"]["shape"] == [31]
    assert len(event["data"]["spectrometer_spectrum"]) == 31
    configuration = descriptor["configuration"]["spectrometer"]
    assert len(configuration["data"]["spectrometer_wavelengths"]) == 31
    assert configuration["data_keys"]["spectrometer_integration_time"]["units"] == "s"
    assert configuration["data_keys"]["spectrometer_integration_time"]["upper_ctrl_limit"] == 5.0
    spectrometer.disconnect()


def test_another_client_that_acquires_meanwhile_fails_the_acquisition(request: pytest.FixtureRequest) -> None:
    rig = memory_rig(SpectrometerCore, "spectrometer")
    _put_well_under_probe(rig.store)
    device = rig.build(EpicsSpectrometer, "spectrometer", LIMITS)
    assert rig.error(device.operation.set(str(_operation(request)))) is None
    status = device.trigger()
    rig.core.write("ACQUIRE", 1, rig.clock.now())
    assert "another client commanded it" in str(rig.error(status))


@pytest.mark.parametrize(
    ("how", "port"), [(signal.SIGKILL, PORTS[5]), (signal.SIGSTOP, PORTS[6])], ids=["dies", "hangs"]
)
@pytest.mark.filterwarnings("ignore:ca.get:UserWarning")
def test_a_spectrometer_that_dies_or_hangs_fails_the_acquisition_and_remembers_its_operations(
    how: signal.Signals, port: int, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    at = {"epics": f"TEST:S{how.name}:", "port": port}
    _put_well_under_probe(FileStore(tmp_path))
    with ioc(SERVER, "spectrometer", tmp_path, at, 1.0) as process:
        rig = ioc_rig(process, tmp_path, 1.0)
        device = rig.build(EpicsSpectrometer, "spectrometer", LIMITS)
        first = _acquire(rig, device, _operation(request))
        for signal_, value in ((device.integration_time, 1.0), (device.n_scans, 10)):
            assert rig.error(signal_.set(value)) is None
        assert rig.error(device.operation.set(str(_operation(request, "again")))) is None
        status = device.trigger()
        rig.until(lambda: str(device.ask(device.outcome)) == "acquiring")
        process.process.send_signal(how)
        assert isinstance(status.exception(10.0), NotConnectedError)
        device.disconnect()
        process.process.kill()
    core = SpectrometerCore(_settings(rig, tmp_path))
    core.write("OPERATION", str(_operation(request)), 0.0)
    core.write("ACQUIRE", 1, 0.0)
    assert core.read("COUNTER", 0.0).value == 1
    assert np.array_equal(core.read("SPECTRUM", 0.0).value, first["spectrum"])


def _settings(rig: Rig, folder: Path) -> Any:
    from simulators.base import Settings

    return Settings("spectrometer", rig.clock, FileStore(folder), seed=1)


def test_put_with_completion_is_answered_at_the_end(served: tuple[Ioc, Path], request: pytest.FixtureRequest) -> None:
    rig = ioc_rig(*served, FACTOR)
    _put_well_under_probe(rig.store)
    for name, value in (("INTEGRATION_TIME", 1.0), ("SCANS", 4), ("OPERATION", str(_operation(request)))):
        assert epics.caput(f"{PREFIX}{name}", value, timeout=5)
    began = rig.clock.now()
    assert epics.caput(f"{PREFIX}ACQUIRE", 1, wait=True, timeout=10)
    assert rig.clock.now() - began >= 4.0
    assert epics.caget(f"{PREFIX}DONE_OPERATION", as_string=True) == str(_operation(request))
