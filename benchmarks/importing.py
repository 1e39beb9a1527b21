"""How long it takes to import a clean table of 100,000 rows: read, judged, and recorded in one commit.

    python -m benchmarks.importing --page docs/proofs/import.md --date 2026-11-23

The command itself runs, in a process of its own, on a workbook, on CSV and on Parquet with the same rows. Six columns
are used: three parameters, two of them in another unit than the campaign's, a metric with its standard error, and a
barcode. The log of the journal is compared with its tables afterwards, and ``list`` and ``status`` tell how the
campaign stands that holds the rows.
"""

from __future__ import annotations

import argparse
import csv
import json
import platform
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from autolab.journal.audit import audit

ROWS = 100_000
BOUND_S = 20.0
BEFORE = """\
Before plain cells of a workbook were read without openpyxl, and rows judged in half the time, the import took 17.6
processor seconds of the workbook, 14.2 of CSV and 11.6 of Parquet; after it, minutes later beside the same other work,
12.7, 11.4 and 10.0 (2026-11-23). `list` and `status` took 4.7 and 5.7 s of user time before they counted in the record,
and 1.2 and 1.3 s after it."""
HEADER = ("cyan [mL]", "magenta [mL]", "yellow [uL]", "colour_distance", "colour_distance_sem", "barcode")
ROOT = Path(__file__).resolve().parents[1]


def made(rows: int) -> list[tuple[float | str, ...]]:
    """Rows as a laboratory would have measured them, each with a barcode of its own."""
    pick = random.Random(7)
    return [
        (
            round(pick.uniform(0, 0.12), 5),
            round(pick.uniform(0, 0.12), 5),
            round(pick.uniform(0, 120), 2),
            round(pick.uniform(0, 60), 4),
            round(pick.uniform(0.1, 0.6), 3),
            f"B-{number:06d}",
        )
        for number in range(rows)
    ]


def write_tables(folder: Path, rows: list[tuple[float | str, ...]]) -> dict[str, Path]:
    """The same rows as a workbook, as CSV, and as Parquet."""
    import pyarrow as pa
    import pyarrow.parquet as parquet
    from openpyxl import Workbook

    files = {name: folder / f"rows.{name}" for name in ("xlsx", "csv", "parquet")}
    book = Workbook(write_only=True)
    sheet = book.create_sheet("results")
    sheet.append(HEADER)
    for row in rows:
        sheet.append(row)
    book.save(files["xlsx"])
    with files["csv"].open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([HEADER, *rows])
    columns = {name: list(column) for name, column in zip(HEADER, zip(*rows, strict=True), strict=True)}
    parquet.write_table(pa.table(columns), files["parquet"])
    return files


def timed(table: Path, data: Path) -> tuple[float, float, dict[str, object]]:
    """Real and processor seconds of one import, the start of the program included, and its answer."""
    words = [
        "import",
        "examples/replay/campaign.yaml",
        str(table),
        "--realm",
        "physical",
        "--data",
        str(data),
        "--json",
    ]
    seconds, used, said = timed_command(*words)
    return seconds, used, json.loads(said)


def timed_command(*words: str) -> tuple[float, float, str]:
    """Real and processor seconds of ``autolab`` with these words, and what it says."""
    begun, used = time.perf_counter(), processor_s()
    done = subprocess.run([sys.executable, "-m", "autolab.cli", *words], cwd=ROOT, capture_output=True, text=True)
    seconds, used = time.perf_counter() - begun, processor_s() - used
    if done.returncode:
        raise SystemExit(done.stderr)
    return seconds, used, done.stdout


def processor_s() -> float:
    """Processor seconds of all programs that were started here and have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--page", type=Path)
    parser.add_argument("--date", default="")
    given = parser.parse_args()
    lines: list[str] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for kind, table in write_tables(folder, made(given.rows)).items():
            seconds, used, answer = timed(table, folder / kind)
            agrees = not audit(folder / kind, None).findings
            listed, told = (timed_command(word, "--data", str(folder / kind))[1] for word in ("list", "status"))
            lines.append(
                f"| {kind} | {answer['taken']} | {used:.1f} | {seconds:.1f} | {'agrees' if agrees else 'DIFFERS'} | "
                f"{listed:.1f} | {told:.1f} |"
            )
            print(lines[-1], flush=True)
            if answer["taken"] != given.rows or not agrees or used > BOUND_S:
                raise SystemExit(f"{kind}: not as promised (bound {BOUND_S:g} s)")
    if given.page is not None:
        given.page.write_text(page(given.date, given.rows, lines), encoding="utf-8")


def page(date: str, rows: int, lines: list[str]) -> str:
    machine = f"Python {platform.python_version()}, {platform.system()}, 2 shared cores"
    return f"""# Importing a large table

Measured on {date} by `python -m benchmarks.importing` ({machine}).

A clean table of {rows:,} rows with six used columns, two of them converted from another unit, goes through
`autolab import`: each cell is read, each row judged, and all are recorded in one commit with their log. The time is
that of the whole command, its start included; the promise is less than {BOUND_S:g} s. One processor works: on a machine
that does nothing else, real time is processor time. Other work makes real seconds many, and the processor seconds of
the same code up to 1.7 times as many.

| file | rows taken | processor seconds | real seconds | log and tables | `list`, processor seconds | `status` |
|---|---|---|---|---|---|---|
{chr(10).join(lines)}

{BEFORE}
"""


if __name__ == "__main__":
    main()
