"""The pytest plugin that is installed with the package: fixtures for simulated labs and campaigns.

pytest loads it at its start, in each project that has autolab installed: nothing of autolab is imported before a
fixture is used. What a fixture has run is added to the test's JUnit properties.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from autolab.campaign.lab import OpenLab
    from autolab.testing.campaigns import Ran, Where
    from devices.conformance import Judged

__all__ = ["autolab_conformance", "autolab_golden", "autolab_lab", "autolab_run", "pytest_addoption"]

UPDATE = "--autolab-update-golden"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the plugin."""
    group = parser.getgroup("autolab")
    group.addoption(UPDATE, action="store_true", help="write golden campaigns anew instead of comparing with them")


@pytest.fixture
def autolab_lab(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[..., OpenLab]]:
    """Opens simulated labs: ``autolab_lab("lab.yaml")``, or ``over="sockets"``. They close when the test ends."""
    from autolab.testing.campaigns import simulated_lab

    with ExitStack() as stack:

        def opened(file: str | Path, over: Where = "memory", **settings: Any) -> OpenLab:
            return stack.enter_context(simulated_lab(_beside(request, file), tmp_path / "bench", over, **settings))

        yield opened


@pytest.fixture
def autolab_run(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., Ran]:
    """Runs campaigns on simulators: ``autolab_run("campaign.yaml", trials=6)``; see `autolab.testing.campaigns`."""
    from autolab.testing.campaigns import run

    def ran(file: str | Path, **settings: Any) -> Ran:
        found = run(_beside(request, file), settings.pop("data", tmp_path / "autolab-data"), **settings)
        for name, value in found.properties.items():
            _tell(request, name, value)
        return found

    return ran


@pytest.fixture
def autolab_golden(request: pytest.FixtureRequest) -> Callable[..., None]:
    """Compares a campaign with the golden one in a file: ``autolab_golden(ran, "golden/teal.json")``."""
    from autolab.testing.golden import compare

    def compared(ran: Ran, file: str | Path, *, rel: float = 1e-9, abs_: float = 1e-12) -> None:
        __tracebackhide__ = True
        path, is_update = _beside(request, file), bool(request.config.getoption(UPDATE))
        said = compare(ran.golden, path, update=is_update, rel=rel, abs_=abs_)
        if said:
            advice = f"If it is meant, run pytest with {UPDATE}, and look at what 'git diff' says."
            pytest.fail(f"{said}\n{advice}", pytrace=False)

    return compared


@pytest.fixture
def autolab_conformance(request: pytest.FixtureRequest) -> Callable[..., dict[str, Judged]]:
    """Puts a simulated device through the conformance kit: ``autolab_conformance("lab.yaml", "stage")``, by check."""

    def judged(file: str | Path, device: str, **settings: Any) -> dict[str, Judged]:
        from autolab.compose.conformance import subject_of
        from devices.conformancechecks import CHECKS, judge

        with subject_of(_beside(request, file), device, **settings) as subject:
            found = {name: judge(subject, name) for name in CHECKS}
        for name, one in found.items():
            _tell(request, f"conformance.{device}.{name}", one.verdict)
        return found

    return judged


def _beside(request: pytest.FixtureRequest, file: str | Path) -> Path:
    """A path, where it is relative from the folder of the test's file."""
    return request.path.parent / file


def _tell(request: pytest.FixtureRequest, name: str, value: object) -> None:
    """Add a property to the test's report. (``record_property`` does so too, and warns with pytest's own default.)"""
    request.node.user_properties.append((f"autolab.{name}", value))
