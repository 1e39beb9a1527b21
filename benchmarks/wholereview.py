"""How long the whole review of many units takes, as a command: ``python -m benchmarks.wholereview --data DIR``.

Units with journals are written first (`benchmarks.reviewunits`) and kept in DIR: some minutes, once. Then ``autolab
review`` of all of them is timed from outside: start of Python, reading of files, check of each log in full, collecting,
scoring, and all files of the reports but the PDF.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date as day
from pathlib import Path

from autolab.journal.audit import audit
from autolab.journal.journal import STATES_FILE
from benchmarks.portfolio import measure as measure_portfolio
from benchmarks.reviewunits import AS_OF, CAMPAIGN, UnitFiles, write_units
from facility_review.collecting import gather, read_books
from facility_review.instrument import load_instrument
from facility_review.review import Review, assess, outputs
from facility_review.units import load_units

UNITS = 20
TRIALS = 100_000
"""Of all units together."""
SMALL = 12_500
"""The same number of units with an eighth of the trials each."""
SHARED = 50_000
"""Trials of all units where they share one data folder."""
REVIEWED_S = 15.0
"""Longest median time, in seconds, that the review of 20 units with 100,000 trials may take on two cores."""
OPENS_S = 1.0
"""Longest median time, in seconds, in which a browser opens a portfolio of 17 laboratories."""


@dataclass(frozen=True)
class Timed:
    """One size."""

    units: int
    folders: str
    """Whether each unit has a data folder of its own."""
    trials: int
    entries: int
    seconds: float
    """Median from the start of the command to its end."""
    longest: float
    processor_s: float
    """Median of what all its processes together used."""
    load: float
    """Load average of the machine when it had ended."""


def timed(units: Sequence[UnitFiles], trials: int, words: str, repeats: int) -> Timed:
    """Run the command, and time it."""
    folders = sorted({unit.data for unit in units})
    entries = sum(map(_n_entries, folders))
    seconds, processor = list[float](), list[float]()
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as out:
            command = [sys.executable, "-m", "autolab.cli", "review", *(str(unit.lab) for unit in units)]
            command += [part for folder in folders for part in ("--data", str(folder))]
            command += ["--as-of", AS_OF.date().isoformat(), "--no-pdf", "--out", out]
            before, begun = _children_s(), time.perf_counter()
            subprocess.run(command, check=True, capture_output=True)
            seconds.append(time.perf_counter() - begun)
            processor.append(_children_s() - before)
            if len(list(Path(out).glob("*/report.html"))) != len(units):
                raise SystemExit(f"{words}: not all {len(units)} units have a report")
    middle = statistics.median(seconds)
    return Timed(
        len(units), words, trials, entries, middle, max(seconds), statistics.median(processor), os.getloadavg()[0]
    )


def _n_entries(folder: Path) -> int:
    """Entries of a log; the whole file is read, so that it is in the system's cache."""
    with (folder / STATES_FILE).open("rb") as file:
        while file.read(1 << 20):
            pass
    with closing(sqlite3.connect(folder / STATES_FILE)) as connection:
        return int(connection.execute("SELECT count(*) FROM log").fetchone()[0])


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def parts(unit: UnitFiles) -> list[tuple[str, float]]:
    """Seconds of the processor that each part of the review of one unit takes, in one process, once it is warm."""
    instrument, as_of = load_instrument(), day(AS_OF.year, AS_OF.month, AS_OF.day)
    found: list[tuple[str, float]] = []
    for _ in range(2):
        begun = [time.process_time()]
        (read,) = load_units([unit.lab])
        begun.append(time.process_time())
        checked = audit(unit.data, None)
        begun.append(time.process_time())
        books = read_books([unit.data], check_log=False)
        begun.append(time.process_time())
        evidence = gather(read, books, instrument, as_of, frozenset())
        begun.append(time.process_time())
        document = assess(instrument, evidence, as_of)
        begun.append(time.process_time())
        outputs(Review(document))
        begun.append(time.process_time())
        names = (
            "reading the lab file and what people state",
            f"checking the {checked.entries:,} entries of the log, and {checked.rows:,} rows by them",
            "reading the journal",
            "collecting",
            "scoring, metrics of each campaign, writing up",
            "page, JSON, CSV and OSCAL",
        )
        found = [(name, begun[at + 1] - begun[at]) for at, name in enumerate(names)]
    return found


def portfolio_s(browser: str) -> dict[str, float]:
    """Times of a portfolio of 17 laboratories and one more."""
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        found = measure_portfolio(3, 25, Path(folder) / "n3", chromium)
        chromium.close()
    return found


def page_text(
    date: str, repeats: int, rows: Sequence[Timed], of_one: Sequence[tuple[str, float]], portfolio: dict[str, float]
) -> str:
    """The page of the figures."""
    lines = [
        "# Proof: how long the review of twenty units takes",
        "",
        f"Measured on {date} with `python -m benchmarks.wholereview`, Python {platform.python_version()},",
        f"{os.cpu_count()} cores, {platform.system()}; runs of each size: {repeats}, of which the median is given. The",
        "machine may have done other work too: with a load average above the number of cores, the seconds are those of",
        "waiting for a processor, and the seconds of the processor are the better measure.",
        "",
        f"`autolab review` of {UNITS} units, as a command: start of Python, lab files and statements, the check of",
        "each log in full, collecting, scoring, and the page, JSON, CSV and OSCAL files of each unit. The PDF is left",
        "out (`--no-pdf`): that is the time of the browser. The journals were written by the journal's own methods, in",
        f"campaigns of {CAMPAIGN} trials, and are in the operating system's cache. Allowed for 100,000 trials:",
        f"{REVIEWED_S:g} s.",
        "",
        "| units | data folder | trials | log entries | s | longest, s | processor, s | ms a trial | load average |",
        "|---|---|---|---|---|---|---|---|---|",
        *(
            f"| {row.units} | {row.folders} | {row.trials:,} | {row.entries:,} | {row.seconds:.1f} | {row.longest:.1f} "
            f"| {row.processor_s:.1f} | {1000 * row.seconds / row.trials:.2f} | {row.load:.1f} |"
            for row in rows
        ),
        "",
        _verdict(rows),
        "",
        "The check of the log is always in full, each entry and each row: there is no shortcut that would have to be",
        f"trusted. From {rows[1].trials:,} to {rows[3].trials:,} trials, {rows[3].trials / rows[1].trials:.0f} times as"
        f" many, the processor's time grows {rows[3].processor_s / rows[1].processor_s:.1f} times.",
        "",
        f"Where the time goes, for one unit of {TRIALS // UNITS:,} trials in one process, in seconds of the processor:",
        "",
        *(f"- {name}: {seconds:.2f}" for name, seconds in of_one),
        "",
        f"A portfolio of {portfolio['laboratories'] - 1:.0f} laboratories and one more ({portfolio['assessments']:.0f}"
        f" assessments): made in {portfolio['read'] + portfolio['write']:.2f} s, opened in a browser in"
        f" {portfolio['open']:.2f} s; allowed: {OPENS_S:g} s. [More of it](portfolio.md).",
    ]
    return "\n".join([*lines, ""])


def _verdict(rows: Sequence[Timed]) -> str:
    full = max((row for row in rows if row.trials == TRIALS), key=lambda row: row.seconds)
    if full.seconds <= REVIEWED_S:
        return f"**Kept**: {TRIALS:,} trials in {full.seconds:.1f} s."
    return (
        f"**Not shown**: {TRIALS:,} trials took {full.seconds:.0f} s at a load average of {full.load:.0f}, where "
        f"{REVIEWED_S:g} s are allowed;\n{full.processor_s:.0f} s of the processor are at least "
        f"{full.processor_s / (os.cpu_count() or 1):.0f} s on this machine at this load."
    )


def measured(
    small: Sequence[UnitFiles], full: Sequence[UnitFiles], shared: Sequence[UnitFiles], repeats: int
) -> Iterator[Timed]:
    """All sizes, one after the other; each is printed when it is known."""
    sizes = (
        (small, SMALL, "each its own"),
        *((full[: UNITS // n], TRIALS // n, "each its own") for n in (4, 2, 1)),
        (shared, SHARED, "one for all"),
    )
    for units, trials, words in sizes:
        row = timed(units, trials, words, repeats)
        print(row, flush=True)
        yield row


def main() -> None:
    """Write the units, measure and, where a page is named, write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("autolab-data/proofs/review"))
    parser.add_argument("--repeats", type=int, default=3, help="how often each size is timed (3)")
    parser.add_argument("--page", type=Path)
    parser.add_argument("--date", default="a day that was not given")
    parser.add_argument("--browser", default="/usr/bin/chromium")
    given = parser.parse_args()
    full = write_units(given.data / f"{UNITS}-of-{TRIALS}", UNITS, TRIALS)
    small = write_units(given.data / f"{UNITS}-of-{SMALL}", UNITS, SMALL)
    shared = write_units(given.data / f"{UNITS}-in-one-of-{SHARED}", UNITS, SHARED, is_shared=True)
    rows = list(measured(small, full, shared, given.repeats))
    opened = portfolio_s(given.browser)
    text = page_text(given.date, given.repeats, rows, parts(full[0]), opened)
    print(text)
    if given.page is not None:
        given.page.write_text(text, encoding="utf-8")
    if max(row.seconds for row in rows) > REVIEWED_S:
        raise SystemExit(f"a review took longer than the {REVIEWED_S:g} s that are allowed")
    if opened["open"] > OPENS_S:
        raise SystemExit(f"the portfolio took {opened['open']:.2f} s to open, and {OPENS_S:g} s is allowed")


if __name__ == "__main__":
    main()
