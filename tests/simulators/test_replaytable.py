"""Tables of measurements: the nearest condition answers, and a table that cannot be trusted is refused."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from autolab.core.errors import FileError, InputError
from simulators.replaytable import ReplayTable

NUMBERS = st.floats(-100.0, 100.0)
Row = tuple[float, float, str, float]
ROWS = st.lists(st.tuples(NUMBERS, NUMBERS, st.sampled_from("ab"), NUMBERS), min_size=1, max_size=30)


def table(rows: list[Row]) -> ReplayTable:
    columns = dict(zip(("x", "y", "kind", "z"), zip(*rows, strict=True), strict=True))
    return ReplayTable(columns, parameters=("x", "y", "kind"), metrics=("z",))


def load(folder: Path, text: str | bytes, **options: list[str]) -> ReplayTable:
    path = folder / "table.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return ReplayTable.load(path, **{"metrics": ["z"], **options})


@given(ROWS)
@example([(0.0, 0.0, "a", 0.0), (2.0, 0.0, "a", 0.0), (1.9e-162, 0.0, "a", 0.0)])
def test_a_measured_condition_answers_with_all_of_its_own_replicates(
    rows: list[Row],
) -> None:
    loaded = table(rows)
    for x, y, kind, _ in rows:
        nearest = loaded.nearest({"x": x, "y": y, "kind": kind})
        assert nearest.condition == {"x": x, "y": y, "kind": kind}
        assert nearest.distance == 0.0
        assert nearest.rows == tuple(n for n, row in enumerate(rows) if row[:3] == (x, y, kind))


@given(ROWS, NUMBERS, NUMBERS)
@example([(0.0, 0.0, "a", 0.0), (0.0, 2.3e-309, "a", 0.0)], 0.0, 1.0)
def test_no_condition_of_the_same_text_is_nearer(rows: list[Row], x: float, y: float) -> None:
    loaded, kind = table(rows), rows[0][2]
    ranges = [max(column) - min(column) for column in list(zip(*rows, strict=True))[:2]]
    spans = [width if width > 1e-100 else 1.0 for width in ranges]
    nearest = loaded.nearest({"x": x, "y": y, "kind": kind})
    distances = [
        (((row[0] - x) / spans[0]) ** 2 + ((row[1] - y) / spans[1]) ** 2) ** 0.5 for row in rows if row[2] == kind
    ]
    assert nearest.condition["kind"] == kind
    assert nearest.distance == pytest.approx(min(distances), abs=1e-9)


def test_of_two_conditions_equally_near_the_first_answers() -> None:
    loaded = table([(1.0, 0.0, "a", 1.0), (0.0, 0.0, "a", 2.0)])
    assert loaded.nearest({"x": 0.5, "y": 0.0, "kind": "a"}).rows == (0,)


def test_the_mean_is_over_the_replicates_of_the_nearest_condition() -> None:
    loaded = table([(0.0, 0.0, "a", 1.0), (0.0, 0.0, "a", 2.0), (1.0, 0.0, "a", 9.0)])
    assert loaded.mean({"x": 0.1, "y": 0.0, "kind": "a"}) == {"z": 1.5}


@pytest.mark.parametrize(
    "values",
    [
        {"x": 0.0, "y": 0.0},
        {"x": 0.0, "y": "0", "kind": "a"},
        {"x": float("nan"), "y": 0.0, "kind": "a"},
        {"x": True, "y": 0.0, "kind": "a"},
        {"x": 0.0, "y": 0.0, "kind": "c"},
        {"x": 0.0, "y": 0.0, "kind": 1.0},
    ],
    ids=str,
)
def test_what_is_no_condition_of_the_table_is_refused(values: dict[str, object]) -> None:
    with pytest.raises(InputError):
        table([(0.0, 0.0, "a", 1.0)]).nearest(values)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x,z\n", "needs a header and at least one row"),
        ("", "needs a header and at least one row"),
        ("x,y\n1,2\n", "there is no column 'z'; there are x, y"),
        ("x,z\n1,2\n3\n", "table.csv:3: this row has 1 cells, and the header has 2"),
        ("x,z\n1,\n", "table.csv:2: column 'z' is empty here"),
        ("x,z\n1,2\n,2\n", "table.csv:3: column 'x' is empty here"),
        ("x,z\n1,nan\n", "must be a finite number"),
        ("x,z\n1,inf\n", "must be a finite number"),
        ("x,z\n1,blue\n", "column 'z' is a metric, and not all of its cells are numbers"),
        ("x,x,z\n1,1,1\n", "two columns have the same name"),
        (b"x,z\n\xff\xfe,1\n", "not text in UTF-8"),
        ('x,z\n"1,2\n', "not CSV"),
    ],
    ids=str,
)
def test_a_table_that_cannot_be_trusted_is_refused_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(FileError) as refused:
        load(tmp_path, text)
    assert message in str(refused.value)


def test_a_table_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="No such file"):
        ReplayTable.load(tmp_path / "none.csv", metrics=["z"])
    with pytest.raises(InputError, match="at least one column under 'metrics'"):
        ReplayTable.load(tmp_path / "none.csv", metrics=[])


def test_parameters_are_all_other_columns_unless_named(tmp_path: Path) -> None:
    text = "x,note,z\n1,first,2\n"
    assert load(tmp_path, text).parameters == ("x", "note")
    assert load(tmp_path, text, parameters=["x"]).parameters == ("x",)


@pytest.mark.datasets
@pytest.mark.parametrize("name", ["crossed_barrel", "agnp_pvlab", "suzuki", "p3ht_cnt", "hplc"])
def test_real_tables_are_read_whole(datasets: Path, name: str) -> None:
    path = datasets / f"{name}.csv"
    with path.open(encoding="utf-8") as file:
        rows = list(csv.reader(file))
    loaded = ReplayTable.load(path, metrics=[rows[0][-1]])
    assert loaded.n_rows == len(rows) - 1
    condition = dict(zip(rows[0][:-1], map(float, rows[1][:-1]), strict=True))
    assert loaded.nearest(condition).distance == 0.0
