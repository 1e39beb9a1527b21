"""The command starts light, answers help at once, and refuses kindly."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from autolab.cli.app import command
from autolab.cli.reference import reference
from tests.cli.running import autolab, clean_environment

ROOT = Path(__file__).parents[2]
HEAVY = ("torch", "ax", "botorch", "ophyd", "bluesky")
HEAVY_FOR_HELP = (*HEAVY, "numpy", "pandas", "pint", "plotly", "yaml", "sqlite_utils", "epics", "zmq")
COMMANDS = (
    "demo", "run", "try", "move", "calibrate", "resume", "pause", "stop", "reset", "settle", "correct", "repeat",
    "inject", "abandon", "budget", "approve", "refuse", "answer", "check", "simulate", "serve", "conformance",
    "backtest", "import", "list", "status", "show", "stock", "refill", "explain", "report", "export", "review",
    "portfolio", "deliverables", "backup", "schema", "doctor", "key", "audit",
    "safety", "bypass", "sample",
)  # fmt: skip


def modules_after(*commands: tuple[str, ...]) -> tuple[list[int], set[str]]:
    """Exit codes of commands that one process runs, and top-level names of the modules that it has loaded."""
    code = (
        "import sys\nfrom autolab.cli import main\n"
        f"codes = [main(words) for words in {[list(words) for words in commands]!r}]\n"
        "print('\\n' + '|'.join([repr(codes), *{name.partition('.')[0] for name in sys.modules}]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, env=clean_environment()
    )
    codes, *names = done.stdout.splitlines()[-1].split("|")
    return json.loads(codes), set(names)


def test_help_of_everything_loads_nothing_heavy() -> None:
    codes, names = modules_after(("--help",), *((name, "--help") for name in COMMANDS))
    assert codes == [0] * (1 + len(COMMANDS))
    assert names.isdisjoint(HEAVY_FOR_HELP)


def test_schema_and_file_validation_load_no_control_system_and_no_engine() -> None:
    check = ("check", "examples/colour/campaign.yaml", "examples/colour/lab.yaml")
    codes, names = modules_after(("schema", "campaign"), ("schema", "lab"), check)
    assert codes == [0, 0, 0]
    assert names.isdisjoint(HEAVY)


def test_the_commands_of_the_design_are_there() -> None:
    assert tuple(command().commands) == COMMANDS


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("rnu",), "Did you mean 'run'"),
        (("run",), "Missing argument 'CAMPAIGN'"),
        (("run", "a.yaml", "--trails", "3"), "No such option: --trails"),
        (("run", "a.yaml", "--trials", "three"), "Invalid value for '--trials'"),
        (("export", "--format", "xls"), "'xls' is not one of 'csv', 'parquet'"),
        (("schema", "labs"), "'labs' is not one of 'campaign', 'lab', 'evidence', 'registers', 'agreements', 'annual'"),
        (("run", "a.yaml", "--simulate=stage,"), "a name is missing; write --simulate for all devices, or name some"),
        (("run", "a.yaml", "--virtual"), "--virtual needs --simulate for all devices: hardware does not run on"),
        (
            ("list", "--data", "nowhere"),
            "nowhere: holds no campaigns; run one first",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_wrong_words_get_one_message_and_exit_code_2(words: tuple[str, ...], message: str, tmp_path: Path) -> None:
    done = autolab(*words, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == [], "nothing was written"


def test_a_missing_file_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    done = autolab("run", "missing.yaml", "--simulate", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("missing.yaml: ")
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "autolab-data").exists()


def test_the_reference_page_is_what_the_code_says() -> None:
    page = (ROOT / "docs/reference/commands.md").read_text()
    assert page == reference(), "write it again: python -m tests.cli.write_reference"


def test_the_demo_ships_the_colour_example() -> None:
    for name in ("campaign.yaml", "lab.yaml"):
        shipped = ROOT / "autolab" / "demo" / "colour" / name
        assert shipped.read_text() == (ROOT / "examples" / "colour" / name).read_text()
