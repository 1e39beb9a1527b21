"""What the server costs and how soon a page shows what happens: ``python -m benchmarks.serverload --page FILE``.

Pages are asked for from a journal with 100,000 trials. Then the same campaign runs again and again beside a server, by
turns with nobody looking and with 50 event streams and one page in a browser; from when the record of a trial's state
was written until each stream has heard of it, and until the browser shows it, is the time of an update.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from playwright.sync_api import Page, sync_playwright

from autolab.core.clock import real_clock
from autolab.core.roles import Role
from autolab.journal.folder import has_controller
from autolab.journal.journal import Journal
from autolab.journal.reader import JournalReader
from benchmarks.million import multiply
from benchmarks.served import a_browser, served, signed_in
from tests.compose.files import example
from tests.rigs import until
from tests.server.house import Client
from tests.server.streams import Stream

PEOPLE = (("ada", Role.RESEARCHER), ("mel", Role.MANAGER))
STREAMS = 50
PAGE_MS, UPDATE_MS, SLOWER_PERCENT = 300.0, 250.0, 5.0
PATHS = (
    "/", "/campaigns", "/campaigns/soft-1", "/campaigns/soft-1?after={half}", "/campaigns/soft-1?state=failed",
    "/campaigns/soft-1/trials/{last}", "/requests", "/devices", "/safety", "/materials", "/data", "/readiness",
    "/audit", "/settings", "/api/v1/campaigns/soft-1/trials?after={half}&limit=200",
)  # fmt: skip
_WATCH = """() => {
  window.seen = {};
  const look = () => {
    for (const row of document.querySelectorAll("#now tbody tr")) {
      const trial = row.querySelector("th a").getAttribute("href");
      window.seen[`${trial} ${row.querySelector(".state").innerText.trim()}`] ??= Date.now();
    }
  };
  look();
  new MutationObserver(look).observe(document.getElementById("now"), { childList: true, subtree: true });
}"""


@dataclass
class Runs:
    """Campaigns with nobody looking, and with everybody."""

    alone_s: list[float] = field(default_factory=list)
    watched_s: list[float] = field(default_factory=list)
    """Real seconds from the first trial to the end."""
    heard_ms: list[float] = field(default_factory=list)
    """Of each state of a trial, at each stream."""
    shown_ms: list[float] = field(default_factory=list)
    """Of each state that the browser has shown."""
    n_states: int = 0
    megabytes: list[float] = field(default_factory=list)
    """Memory of the server after each campaign."""


def pages(folder: Path, trials: int) -> dict[str, tuple[float, float, float]]:
    """Milliseconds of the first, the median and the slowest other of each page."""
    data = folder / "data"
    data.mkdir()
    multiply(data, trials)
    with closing(Journal(data, real_clock())) as journal:
        journal.states.write("UPDATE campaigns SET state = 'paused'")
    lab, found = example("colour", folder).with_name("lab.yaml"), dict[str, tuple[float, float, float]]()
    with served(lab, data, PEOPLE) as (_, address):
        ada, mel = signed_in(address, PEOPLE)
        for path in PATHS:
            place, times = path.format(half=trials // 2, last=trials - 1), list[float]()
            for _ in range(11):
                begin = time.perf_counter()
                answer = (mel if path == "/audit" else ada).get(place)
                times.append(1000 * (time.perf_counter() - begin))
                if answer.status != 200:
                    raise RuntimeError(f"{place}: {answer.status} {answer.text[:300]}")
            found[place] = times[0], statistics.median(times[1:]), max(times[1:])
    return found


def runs(folder: Path, turns: int, trials: int, factor: float) -> Runs:
    """Run the campaign by turns alone and watched."""
    change = {"campaign.yaml": ("budget: {trials: 30}", f"budget: {{trials: {trials}}}\nengine: random")}
    lab, data, found = example("replay", folder, change).with_name("lab.yaml"), folder / "data", Runs()
    with (
        served(lab, data, PEOPLE) as (pid, address),
        sync_playwright() as playwright,
        a_browser(playwright.chromium) as browser,
    ):
        server, (ada, _) = psutil.Process(pid), signed_in(address, PEOPLE)
        tab = browser.new_context()
        tab.add_cookies([{"name": "autolab_session", "value": str(ada.cookie), "url": address}])
        for turn in range(2 * turns):
            with watched(ada, tab.new_page()) if turn % 2 else nullcontext() as watching:
                campaign = a_campaign(ada, turn // 2, factor)
                ended(data)
                if watching is not None:
                    _note(found, data, campaign, *watching)
            (found.watched_s if turn % 2 else found.alone_s).append(_real_s(data, campaign))
            found.megabytes.append(server.memory_info().rss / 1e6)
            print(f"turn {turn}: {_real_s(data, campaign):.2f} s, server {found.megabytes[-1]:.0f} MB", flush=True)
    return found


def a_campaign(ada: Client, seed: int, factor: float) -> str:
    """Start one, and wait until it has begun."""
    wish = {"file": "campaign.yaml", "simulate": True, "seed": seed, "time_factor": factor}
    start = ada.post("/api/v1/campaigns", wish).json["start"]
    said: dict[str, Any] = {}

    def has_begun() -> bool:
        time.sleep(0.2)
        said.update(ada.get(f"/api/v1/starts/{start}").json)
        return said.get("campaign") is not None

    until(has_begun, "the campaign", 120.0)
    return said["campaign"]


def ended(data: Path) -> None:
    """Wait for the end of the controller, looking seldom."""

    def is_over() -> bool:
        time.sleep(0.5)
        return not has_controller(data)

    until(is_over, "the end of the campaign", 600.0)


@contextmanager
def watched(ada: Client, page: Page) -> Iterator[tuple[list[_Stamped], Page]]:
    """Streams, and a page in a browser, until the block ends."""
    with ExitStack() as stack:
        streams = [stack.enter_context(closing(_Stamped(ada))) for _ in range(STREAMS)]
        stack.callback(page.close)
        page.goto(f"{ada.address}/")
        page.evaluate(_WATCH)
        yield streams, page


class _Stamped(Stream):
    """A stream that says when it has heard of each event."""

    def __init__(self, client: Client) -> None:
        self.heard: dict[int, float] = {}
        super().__init__(client)

    def _read(self) -> None:
        number = 0
        try:
            for raw in self.answer:
                if raw.startswith(b"id: "):
                    number = int(raw[4:])
                elif raw.startswith(b'data: {"') and number:
                    self.heard.setdefault(number, time.time())
        except (OSError, ValueError, AttributeError):  # it was closed here
            return


def _note(found: Runs, data: Path, campaign: str, streams: Sequence[Any], page: Page) -> None:
    """Compare what was heard and shown with when it was written."""
    page.wait_for_timeout(1000)
    seen: dict[str, float] = page.evaluate("() => window.seen")
    with closing(JournalReader.open(data)) as reader:
        for row in reader.states.rows("SELECT seq, entry FROM log ORDER BY seq"):
            entry = json.loads(row["entry"])
            if (
                entry["table"] != "trials"
                or entry["key"].get("campaign") != campaign
                or "state" not in entry.get("row", {})
            ):
                continue
            at_s, found.n_states = datetime.fromisoformat(entry["date"]).timestamp(), found.n_states + 1
            found.heard_ms += [1000 * (one.heard[row["seq"]] - at_s) for one in streams if row["seq"] in one.heard]
            trial = f"/campaigns/{campaign}/trials/{entry['key']['number']}"
            shown = seen.get(f"{trial} {entry['row']['state']}")
            if shown is not None:
                found.shown_ms.append(shown - 1000 * at_s)


def _real_s(data: Path, campaign: str) -> float:
    """Real seconds from the suggestion of the first trial to the outcome of the last."""
    with closing(JournalReader.open(data)) as reader:
        dates = [one.date for trial in reader.trials(campaign) for one in trial.transitions]
    moments = [datetime.fromisoformat(date).timestamp() for date in dates]
    return max(moments) - min(moments)


def page_of(pictures: dict[str, tuple[float, float, float]], found: Runs, trials: int, date: str, load: str) -> str:
    """The figures as a page in Markdown."""
    slower = 100 * (statistics.median(found.watched_s) / statistics.median(found.alone_s) - 1)
    heard, shown = (np.percentile(ms, [50, 95]) for ms in (found.heard_ms, found.shown_ms))
    lines = [
        "# What the server costs, and how soon it shows what happens",
        "",
        f"Measured {date} with `python -m benchmarks.serverload`, {os.cpu_count()} cores, at a load average of {load}.",
        "",
        f"## Pages of a journal with {trials} trials",
        "",
        f"Milliseconds of real time at the client, over a socket, with {5 * trials} actions in the journal. The first",
        f"one is the server's first look. The promise: under {PAGE_MS:g} ms.",
        "",
        "| page | first | median of 10 | slowest of 10 |",
        "|---|---|---|---|",
        *(
            f"| `{path}` | {first:.0f} | {median:.0f} | {most:.0f} |"
            for path, (first, median, most) in pictures.items()
        ),
        "",
        f"## {STREAMS} open streams and a browser while a campaign runs",
        "",
        f"{len(found.watched_s)} campaigns of the replay lab with nobody looking and as many with {STREAMS} event",
        "streams and the page *Now* in Chromium, by turns, each pair with the same seed. An update is a state of a",
        "trial; its time begins with the date of its entry in the log.",
        "",
        f"- heard by the streams, {len(found.heard_ms)} times: p50 {heard[0]:.0f} ms, p95 {heard[1]:.0f} ms",
        f"- shown by the browser, {len(found.shown_ms)} of {found.n_states} states (others were over before a look):"
        f" p50 {shown[0]:.0f} ms, p95 {shown[1]:.0f} ms; the promise: p95 under {UPDATE_MS:g} ms",
        f"- campaigns, median: {statistics.median(found.alone_s):.2f} s alone, "
        f"{statistics.median(found.watched_s):.2f} s watched, {slower:+.1f} %; the promise: under {SLOWER_PERCENT:g} %",
        f"- memory of the server after each campaign, in MB: {', '.join(f'{each:.0f}' for each in found.megabytes)}",
        "",
        "Clients, browser, server and campaign share the processors. With more processes that want to run than there",
        "are processors, the times of updates are those of waiting for one. Memory: [a day](server-day.md).",
    ]
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=100_000, help="of the journal whose pages are asked for")
    parser.add_argument("--turns", type=int, default=5, help="campaigns alone, and as many watched")
    parser.add_argument("--budget", type=int, default=20, help="trials of each of them")
    parser.add_argument("--time-factor", type=float, default=4.0)
    parser.add_argument("--page", type=Path, help="where to write the page")
    parser.add_argument("--date", default="undated", help="the date on the page")
    chosen = parser.parse_args(arguments)
    loads = [os.getloadavg()[0]]
    with tempfile.TemporaryDirectory() as place:
        pictures = pages(Path(place), chosen.trials)
    loads.append(os.getloadavg()[0])
    with tempfile.TemporaryDirectory() as place:
        found = runs(Path(place), chosen.turns, chosen.budget, chosen.time_factor)
    loads.append(os.getloadavg()[0])
    text = page_of(pictures, found, chosen.trials, chosen.date, f"{min(loads):.1f} to {max(loads):.1f}")
    print(text)
    if chosen.page:
        chosen.page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
