"""What holds for every test: one thread per library, repeatable draws, no skipped test in CI, nothing left running."""

from __future__ import annotations

import gc
import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from hypothesis import settings

import tests.epics_env  # noqa: F401 (fixes the Channel Access ports before any test imports ophyd)
from benchmarks.warm import close_server

gc.set_threshold(50_000)  # imports and collected tests stay: a fifth of the time of a collection went into looking
os.environ.setdefault("OMP_NUM_THREADS", "1")  # before anything imports numpy or torch
os.environ.pop("AUTOLAB_DATA", None)  # a test says where its data lives

# The examples are the same in each run of CI: fewer do. By hand they are others each time, and as many as usual.
settings.register_profile("ci", max_examples=60, deadline=None, derandomize=True, database=None, print_blob=True)
settings.register_profile("dev", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "dev")

SESSION = "AUTOLAB_TEST_SESSION"
"""Environment variable that every process started by a test inherits, orphans included."""


def pytest_report_header() -> str:
    datasets = os.environ.get("AUTOLAB_DATASETS")
    return f"datasets: {datasets or 'AUTOLAB_DATASETS is not set: tests that need them are deselected'}"


LONGEST = (
    "tests/system/test_kills.py", "tests/optimizer/test_engines.py", "tests/docs/test_tutorials.py",
    "tests/system/test_repeatable.py", "tests/campaign/test_faulty.py", "tests/facility_review/test_oscal.py",
    "tests/devices/test_conformance.py",
    "tests/compose/test_matching.py", "tests/notebook/test_notebook.py", "tests/cli/", "tests/system/",
    "tests/campaign/", "tests/journal/test_powerloss.py", "tests/optimizer/", "tests/compose/",
    "tests/safety/test_bypass_matrix.py", "tests/facility_review/",
)  # fmt: skip
"""Where the files are, by the beginning of their paths, that one worker would still run when the others have ended."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with what takes long; deselect, by name, what needs the tables of measurements where they are not."""
    items.sort(key=lambda item: next((n for n, path in enumerate(LONGEST) if item.location[0].startswith(path)), 99))
    if os.environ.get("AUTOLAB_DATASETS"):
        return
    without = [item for item in items if item.get_closest_marker("datasets")]
    if without:
        config.hook.pytest_deselected(items=without)
        items[:] = [item for item in items if item not in without]


def pytest_collection_finish() -> None:
    """What is there by now stays to the end: no test looks for garbage in it."""
    gc.freeze()


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """In CI a skipped test is a failed run: what was not run was not shown."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") and reporter is not None and reporter.stats.get("skipped") and exitstatus == 0:
        reporter.write_line("a test was skipped, and CI counts that as a failure", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="session", autouse=True)
def nothing_left_running() -> Iterator[None]:
    """At the end of the session no process that a test started is alive, not even one whose parent died."""
    mark = uuid.uuid4().hex
    os.environ[SESSION] = mark
    yield
    close_server()
    left = _started_here(mark)
    psutil.wait_procs(left, timeout=5)
    alive = [" ".join(process.cmdline()) for process in _started_here(mark)]
    assert not alive, "processes left running:\n" + "\n".join(alive)


def _started_here(mark: str) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            environment = process.environ()
            is_helper = "resource_tracker" in " ".join(process.cmdline())  # Python's own; ends with the test run
        except (psutil.Error, OSError):
            continue
        if environment.get(SESSION) == mark and process.pid != os.getpid() and not is_helper:
            found.append(process)
    return found


@pytest.fixture(scope="session")
def datasets() -> Path:
    """Folder of the tables of real measurements; only for tests marked ``datasets``."""
    return Path(os.environ["AUTOLAB_DATASETS"])


@pytest.fixture(scope="session")
def repository() -> Path:
    """Root of the checkout."""
    return Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of the browser that `make test` installs."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    pytest.fail("Chromium is missing: run 'make chromium'")
