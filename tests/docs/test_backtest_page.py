"""The how-to of backtests shows a command and its answer; both are so."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.cli.running import autolab
from tests.docs import pages

PAGE = "docs/how-to/backtest.md"


def test_the_command_on_the_page_gives_the_answer_on_the_page(tmp_path: Path) -> None:
    for name in ("campaign.yaml", "table.csv"):
        shutil.copy(pages.ROOT / "examples" / "replay" / name, tmp_path)
    (command,) = [block.text for block in pages.blocks("console") if block.page == PAGE]
    (answer,) = [block.text for block in pages.blocks("text") if block.page == PAGE]
    done = autolab(*command.removeprefix("$ autolab ").split(), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == answer
    assert done.stderr == (
        "note: columns without a unit were taken in the campaign's: cyan in uL, magenta in uL, yellow in uL\n"
    )
    made = sorted(path.name for path in tmp_path.iterdir())
    assert made == ["backtest.html", "campaign.yaml", "table.csv"], "no lab file is needed, and no data folder is made"
