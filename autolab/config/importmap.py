"""The mapping of a table to a campaign: a small file that says what its columns are, where their headings do not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, cast

from pydantic import Field

from autolab.config.columns import Chosen
from autolab.config.fields import FileModel, Name, Value
from autolab.config.problems import Problems
from autolab.config.tables import Layout
from autolab.config.units import check_unit
from autolab.config.words import did_you_mean, listed
from autolab.config.yamlfile import read_yaml
from autolab.core.errors import InputError
from autolab.core.parameters import Value as Constant

__all__ = ["ImportMap", "MapModel", "read_map"]

Heading = Annotated[str, Field(min_length=1, max_length=200)]


class ColumnModel(FileModel):
    """A column whose heading does not say its unit."""

    heading: Heading
    """As the table writes it."""
    unit: str | None = None
    """Unit of its numbers."""


class MapModel(FileModel):
    """What the mapping may say."""

    columns: dict[Name, Heading | ColumnModel] = Field(default_factory=dict[Name, Heading | ColumnModel])
    """For a parameter, a metric, `METRIC_sem`, `barcode`, `labware` or `well`: the heading of its column."""
    values: dict[Name, Value] = Field(default_factory=dict[Name, Value])
    """Parameters that were the same in all rows and have no column."""
    sheet: str | None = None
    """Sheet of a workbook."""
    header: Annotated[int, Field(ge=1)] | None = None
    """Row of the headings; by default the first that is not empty."""
    separator: Literal[",", ";", "\t", "|"] | None = None
    """What stands between the cells of CSV."""
    decimal: Literal[".", ","] = "."
    """What stands before the decimals."""
    encoding: str = "utf-8-sig"
    """How the text of CSV is encoded."""
    realm: Literal["physical", "emulated", "simulated"] | None = None
    """Where it was measured."""


@dataclass(frozen=True, slots=True)
class ImportMap:
    """What a person says of a table."""

    columns: Mapping[str, Chosen] = field(default_factory=dict[str, Chosen])
    values: Mapping[str, Constant] = field(default_factory=dict[str, Constant])
    layout: Layout = field(default_factory=Layout)
    decimal: str = "."
    realm: str | None = None


def read_map(path: Path, names: tuple[str, ...]) -> ImportMap:
    """Read a mapping file.

    Args:
        path: The file.
        names: What a column may be, of which parameters come from the campaign.

    Raises:
        FileError: a line of it is refused.
        InputErrors: several lines are refused.
    """
    file = read_yaml(path)
    problems = Problems(file.source)
    problems.check_shape(MapModel, file.values)
    for key in ("columns", "values"):
        given: Any = file.values.get(key)
        for name in cast("dict[str, Any]", given) if isinstance(given, dict) else {}:
            if name not in names and not problems.has((key, name)):
                guess = did_you_mean(name, names)
                hint = f"did you mean {guess!r}?" if guess else f"there are {listed(names)}"
                problems.add((key, name), f"{key}: the campaign has no {name!r}: {hint}")
    problems.raise_any()
    model = MapModel.model_validate(file.values)
    columns = {name: _chosen(said) for name, said in model.columns.items()}
    for name, chosen in columns.items():
        try:
            check_unit(chosen.unit or "")
        except InputError as error:
            problems.add(("columns", name), f"columns.{name}: {error}")
        if name in model.values:
            problems.add(("values", name), f"values: {name!r} has a column, too: remove one of the two")
    problems.raise_any()
    layout = Layout(model.sheet, model.header, model.separator, model.encoding)
    return ImportMap(columns, model.values, layout, model.decimal, model.realm)


def _chosen(said: str | ColumnModel) -> Chosen:
    return Chosen(said) if isinstance(said, str) else Chosen(said.heading, said.unit)
