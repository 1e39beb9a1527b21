"""The tutorial in a real Jupyter kernel: what it shows, what an interrupt does, and what is left at the end."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import sync_playwright

from autolab.core.trials import PERSON
from autolab.journal.reader import JournalReader
from autolab.journal.records import IntentRecord
from tests.notebook.kernels import Cell, Kernel, kernel


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("notebook") / "data"


@pytest.fixture(scope="module")
def running(data: Path) -> Iterator[Kernel]:
    with kernel(data, Path(__file__).resolve().parents[2]) as started:
        yield started


@dataclass
class Tutorial:
    """What became of the tutorial, whose reader pressed the stop button in the middle, and then ran the cell again."""

    cells: dict[str, Cell]
    interrupted: Cell
    state: str
    """Of the campaign, after the interrupt."""
    intents: list[IntentRecord]
    """What had been done by then."""


@pytest.fixture(scope="module")
def tutorial(running: Kernel, data: Path, repository: Path) -> Tutorial:
    notebook = json.loads((repository / "docs/tutorials/notebook.ipynb").read_text(encoding="utf-8"))
    sources = {cell["id"]: "".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"}
    was_interrupted = threading.Event()

    def interrupt(html: str) -> None:
        """Once two outcomes are there, in the next phase that is shown."""
        if measured(html) >= 2 and re.search(r"trial \d+: \w", html) and not was_interrupted.is_set():
            was_interrupted.set()
            running.manager.interrupt_kernel()

    cells: dict[str, Cell] = {}
    for name, source in sources.items():
        if name == "run":
            interrupted = running.run(source, interrupt)
            with closing(JournalReader.open(data)) as reader:
                record = reader.campaign()
                state, intents = record.state, reader.intents(record.id)
        cells[name] = running.run(source)
        assert cells[name].status == "ok", (name, cells[name].traceback)
    assert was_interrupted.is_set()
    return Tutorial(cells, interrupted, state, intents)


def measured(html: str) -> int:
    return html.count('class="measured"')


@pytest.mark.timeout(300)
def test_the_cells_of_the_tutorial_show_what_its_text_says(tutorial: Tutorial, data: Path) -> None:
    cells = tutorial.cells
    assert "devices.dispensers.SerialDispenser" in cells["lab"].html[0]
    assert "'colour_distance': Estimate(" in cells["trial"].text
    assert "recommended" in cells["run"].html[-1]
    assert cells["table"].text.count("ingested") == 6
    assert set(eval(cells["best"].text)) == {"cyan", "magenta", "yellow", "mixing_time"}
    (report,) = (data / "reports").glob("teal-notebook-*.html")
    assert str(report) in cells["report"].text


def test_a_trial_of_ones_own_comes_first_and_the_campaign_learns_from_it(tutorial: Tutorial, data: Path) -> None:
    with closing(JournalReader.open(data)) as reader:
        record = reader.campaign("teal-notebook")
        first, *others = reader.trials(record.id)
        people = {done.cause for done in reader.interventions(record.id)}
    assert first.suggestion.engine == PERSON
    assert dict(first.suggestion.values) == {"cyan": 60, "magenta": 10, "yellow": 40, "mixing_time": 10}
    assert all(1 in other.suggestion.seen for other in others[1:])
    assert people == {"inject", "pause", "resume"}
    assert record.state == "finished"


def test_the_plot_grows_while_the_campaign_runs(tutorial: Tutorial, tmp_path: Path, chromium: str) -> None:
    """Seen in a browser: fewer trials in an early picture than in the last, and all of them inside the frame."""
    drawn = tutorial.interrupted.drawn + tutorial.cells["run"].drawn
    counts = [measured(html) for html in drawn]
    assert counts == sorted(counts)
    assert len(set(counts)) >= 3, counts
    assert counts[-1] == 6
    early = next(html for html, count in zip(drawn, counts, strict=True) if 1 < count < 6)
    page_file = tmp_path / "plot.html"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 760, "height": 420}, color_scheme="light")
        for name, html in (("early", early), ("last", drawn[-1])):
            page_file.write_text(f"<!doctype html><meta charset=utf-8><body>{html}</body>", encoding="utf-8")
            page.goto(page_file.as_uri())
            frame = page.locator("svg.autolab-progress").bounding_box()
            assert frame is not None
            for place in page.locator("svg .measured").all():
                box = place.bounding_box()
                assert box is not None
                assert frame["x"] < box["x"] < frame["x"] + frame["width"]
                assert frame["y"] < box["y"] < frame["y"] + frame["height"]
            assert page.locator("svg .measured").count() == measured(html)
            picture = page.screenshot(path=str(tmp_path / f"{name}.png"))
            assert len(picture) > 5000
        browser.close()


def test_an_interrupt_in_a_phase_pauses_the_campaign_in_one_sentence_and_it_goes_on(
    tutorial: Tutorial, data: Path
) -> None:
    """The lab is safe: what was begun was ended, and none of it was done again."""
    assert tutorial.interrupted.status == "error"
    (sentence,) = tutorial.interrupted.traceback
    assert re.fullmatch(
        r"teal-notebook-[\w-]+ has paused: paused by a person: interrupted; 'run' goes on from there", sentence
    )
    assert "Pausing before the next action; interrupt again to stop at once." in tutorial.interrupted.text
    assert tutorial.state == "paused"
    assert {intent.state for intent in tutorial.intents} == {"done"}
    with closing(JournalReader.open(data)) as reader:
        record = reader.campaign()
        operations = [intent.operation for intent in reader.intents(record.id)]
    assert record.state == "finished"
    assert len(operations) == len(set(operations)) > len(tutorial.intents)


def test_a_refusal_is_one_sentence_in_a_notebook(running: Kernel) -> None:
    cell = running.run("from autolab.notebook import Lab\nLab.open('no-such-lab.yaml')")
    assert cell.status == "error"
    assert len(cell.traceback) == 1
    assert cell.traceback[0].startswith("no-such-lab.yaml")


def test_no_process_and_no_thread_of_a_campaign_outlives_it(tutorial: Tutorial, running: Kernel) -> None:
    cell = running.run("import threading; print([t.name for t in threading.enumerate() if 'autolab' in t.name])")
    assert cell.text.strip() == "[]"
    process = psutil.Process(running.manager.provisioner.process.pid)
    assert [child for child in process.children(recursive=True) if "autolab" in " ".join(child.cmdline())] == []
