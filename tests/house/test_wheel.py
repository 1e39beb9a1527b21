"""The wheel is complete: installed elsewhere, away from the repository, the command works."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml

NOT_SHIPPED = (".*", "__pycache__", "autolab-data", "tests", "docs", "benchmarks", "*.egg-info", "build")


def _run(*command: str | Path, cwd: Path, home: Path, seconds: int = 100) -> subprocess.CompletedProcess[str]:
    environment = {"HOME": str(home), "PATH": "/usr/bin:/bin", "OMP_NUM_THREADS": "1", "LANG": "C.UTF-8"}
    return subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds,
    )


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> Path:
    """Folder of the commands of a virtual environment that holds the wheel, and sees our dependencies but not us."""
    root = tmp_path_factory.mktemp("wheel")
    source = root / "source"
    shutil.copytree(repository, source, ignore=shutil.ignore_patterns(*NOT_SHIPPED))
    built = _run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", root, cwd=source, home=root)
    assert built.returncode == 0, built.stdout + built.stderr
    (wheel,) = root.glob("*.whl")
    environment = root / "environment"
    _run(sys.executable, "-m", "venv", "--without-pip", environment, cwd=root, home=root)
    python = environment / "bin" / "python"
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", python)
    done = _run(*pip, "install", "--no-deps", "--no-index", wheel, cwd=root, home=root)
    assert done.returncode == 0, done.stdout + done.stderr
    # A path file adds the folder of our dependencies without reading the path files in it: ours, editable, stays out.
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    path_file = environment / "lib" / version / "site-packages" / "dependencies.pth"
    path_file.write_text(sysconfig.get_paths()["purelib"] + "\n", encoding="utf-8")
    return environment / "bin"


def test_the_packages_come_from_the_wheel(installed: Path, tmp_path: Path) -> None:
    names = "autolab, devices, plans, optimizer, simulators, safety, facility_review"
    code = f"import {names}\nfor package in ({names}): print(package.__file__)"
    done = _run(installed / "python", "-c", code, cwd=tmp_path, home=tmp_path)
    assert done.returncode == 0, done.stderr
    assert [line for line in done.stdout.splitlines() if not line.startswith(str(installed.parent))] == []


def test_the_command_answers_away_from_the_repository(installed: Path, tmp_path: Path) -> None:
    from autolab import __version__

    version = _run(installed / "autolab", "--version", cwd=tmp_path, home=tmp_path)
    assert (version.returncode, version.stderr) == (0, "")
    assert __version__ in version.stdout
    usage = _run(installed / "autolab", "--help", cwd=tmp_path, home=tmp_path)
    assert (usage.returncode, usage.stderr) == (0, "")
    assert "demo" in usage.stdout


@pytest.mark.parametrize("which", ["campaign", "lab"])
def test_the_schemas_are_in_the_wheel(which: str, installed: Path, tmp_path: Path) -> None:
    done = _run(installed / "autolab", "schema", which, cwd=tmp_path, home=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["type"] == "object"


def test_the_doctor_finds_the_wheel_healthy(installed: Path, tmp_path: Path) -> None:
    done = _run(installed / "autolab", "doctor", cwd=tmp_path, home=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_demo_runs_from_the_wheel_and_leaves_only_its_data(installed: Path, tmp_path: Path) -> None:
    home, here = tmp_path / "home", tmp_path / "here"
    home.mkdir()
    here.mkdir()
    done = _run(installed / "autolab", "demo", "--trials", "3", cwd=here, home=home)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [path.name for path in here.iterdir()] == ["autolab-data"]
    assert {path.name for path in home.iterdir()} <= {".cache"}
    assert list((here / "autolab-data").rglob("*.html")), "the demo left no report"


@pytest.mark.timeout(290)
def test_the_commands_of_the_workflow_file_pass_in_a_project_of_its_own(
    installed: Path, repository: Path, tmp_path: Path
) -> None:
    """The pytest plugin comes with the wheel: the project says nothing of it, and its report has the properties."""
    shutil.copytree(repository / "examples", tmp_path / "examples")
    project = tmp_path / "examples" / "ci"
    (job,) = yaml.safe_load((project / "ci.yml").read_text(encoding="utf-8"))["jobs"].values()
    first, *commands = [shlex.split(step["run"]) for step in job["steps"] if "run" in step]
    assert first == shlex.split("python -m pip install .")
    for name, *words in commands:
        done = _run(installed / name, *words, cwd=project, home=tmp_path, seconds=280)
        assert done.returncode == 0, done.stdout + done.stderr
    report = ElementTree.parse(project / "report.xml")
    properties = {one.get("name"): one.get("value") for one in report.iter("property")}
    assert (properties["autolab.state"], properties["autolab.trials"]) == ("finished", "2")
    assert properties["autolab.conformance.instrument.limits"] == "passed"
    assert [case.get("name") for case in report.iter("testcase")] == [
        "test_the_campaign_is_the_one_that_we_know",
        "test_the_campaign_runs_over_sockets",
        "test_the_instrument_answers",
        "test_the_driver_conforms",
    ]
