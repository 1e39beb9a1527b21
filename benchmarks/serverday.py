"""What a day of lab time does to the memory of the server and of an open page: ``python -m benchmarks.serverday``.

One server, 50 event streams and the page *Now* in a browser stay open while campaigns of the replay lab run one after
the other, each measurement taking two minutes of lab time, until a day of lab time is over. After each campaign the
memory of the server's process is read, and that of the page's scripts after its garbage was collected.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from playwright.sync_api import sync_playwright

from autolab.journal.reader import JournalReader
from benchmarks.served import a_browser, served, signed_in
from benchmarks.serverload import PEOPLE, STREAMS, a_campaign, ended
from tests.compose.files import example
from tests.server.streams import Stream

MEASUREMENT_S = 120
"""Lab seconds of a measurement."""
TRIALS = 60
"""Of each campaign: two hours of lab time."""
DAY_H = 24.0


@dataclass(frozen=True)
class Look:
    """What was found after a campaign."""

    lab_h: float
    """Lab time of all campaigns so far."""
    n_events: int
    """Events that a stream has heard so far."""
    server_mb: float
    page_mb: float
    nodes: int
    """Elements and texts that the page holds."""


def day(folder: Path, hours: float, factor: float) -> list[Look]:
    """Run campaigns until so many hours of lab time are over."""
    change = {
        "campaign.yaml": ("budget: {trials: 30}", f"budget: {{trials: {TRIALS}}}\nengine: random"),
        "lab.yaml": ("metrics: [colour_distance]}", f"metrics: [colour_distance], duration_s: {MEASUREMENT_S}}}"),
    }
    lab, data, found = example("replay", folder, change).with_name("lab.yaml"), folder / "data", list[Look]()
    with ExitStack() as stack:
        pid, address = stack.enter_context(served(lab, data, PEOPLE))
        playwright = stack.enter_context(sync_playwright())
        browser = stack.enter_context(a_browser(playwright.chromium))
        server, (ada, _) = psutil.Process(pid), signed_in(address, PEOPLE)
        tab = browser.new_context()
        tab.add_cookies([{"name": "autolab_session", "value": str(ada.cookie), "url": address}])
        page = tab.new_page()
        streams = [stack.enter_context(closing(Stream(ada))) for _ in range(STREAMS)]
        page.goto(f"{address}/")
        script = tab.new_cdp_session(page)
        script.send("Performance.enable")
        lab_s = 0.0
        while lab_s < 3600 * hours:
            campaign = a_campaign(ada, len(found), factor)
            ended(data)
            lab_s += _lab_s(data, campaign)
            page.wait_for_timeout(1500)
            found.append(_look(lab_s / 3600, streams[0], server, script))
            print(found[-1], flush=True)
    return found


def _look(lab_h: float, stream: Stream, server: psutil.Process, script: Any) -> Look:
    script.send("HeapProfiler.collectGarbage")
    metrics = {one["name"]: one["value"] for one in script.send("Performance.getMetrics")["metrics"]}
    megabytes = server.memory_info().rss / 1e6
    return Look(lab_h, len(stream.events), megabytes, metrics["JSHeapUsedSize"] / 1e6, int(metrics["Nodes"]))


def _lab_s(data: Path, campaign: str) -> float:
    """Lab seconds from the first state of a trial to the last."""
    with closing(JournalReader.open(data)) as reader:
        moments = [one.lab_s for trial in reader.trials(campaign) for one in trial.transitions]
    return max(moments) - min(moments)


def page_of(found: Sequence[Look], date: str, factor: float) -> str:
    """The figures as a page in Markdown."""
    half = len(found) // 2
    growth = [
        statistics.mean(getattr(one, name) for one in found[half:])
        - statistics.mean(getattr(one, name) for one in found[1 : half + 1])
        for name in ("server_mb", "page_mb", "nodes")
    ]
    rows = [
        f"| {one.lab_h:.1f} | {one.n_events} | {one.server_mb:.1f} | {one.page_mb:.2f} | {one.nodes} |" for one in found
    ]
    lines = [
        "# What a day of lab time does to the server's memory, and to a page's",
        "",
        f"Measured {date} with `python -m benchmarks.serverday`, {os.cpu_count()} cores: one server, {STREAMS} event",
        f"streams and the page *Now* in Chromium stay open while {len(found)} campaigns of {TRIALS} trials run one",
        f"after the other, each measurement taking {MEASUREMENT_S} s of lab time, {factor:g} of them in a second.",
        "The page's memory is that of its scripts after garbage collection.",
        "",
        "| lab time, h | events heard by a stream | server, MB | page, MB | elements and texts in the page |",
        "|---|---|---|---|---|",
        *rows,
        "",
        f"Mean of the second half less that of the first, without the first campaign: server {growth[0]:+.1f} MB, page",
        f"{growth[1]:+.2f} MB, {growth[2]:+.0f} elements and texts.",
    ]
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, default=DAY_H, help="of lab time")
    parser.add_argument("--time-factor", type=float, default=400.0)
    parser.add_argument("--page", type=Path, help="where to write the page")
    parser.add_argument("--date", default="undated", help="the date on the page")
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as place:
        found = day(Path(place), chosen.hours, chosen.time_factor)
    text = page_of(found, chosen.date, chosen.time_factor)
    print(text)
    if chosen.page:
        chosen.page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
