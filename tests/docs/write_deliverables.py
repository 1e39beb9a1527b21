"""Writes the pages of challenges and of the deliverables' files anew: ``python -m tests.docs.write_deliverables``."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from autolab.config.fields import FileModel
from facility_review.agreements import AgreementsModel
from facility_review.annualmodels import AnnualModel
from facility_review.reference import reference
from facility_review.registermodels import RegistersModel

FOLDER = Path(__file__).parents[2] / "docs/reference"
FILES: dict[str, type[FileModel]] = {
    "registers.yaml": RegistersModel,
    "agreements.yaml": AgreementsModel,
    "annual.yaml": AnnualModel,
}
_CHALLENGES = """\
# Published challenges

This page is written from `facility_review/reference.yaml`, and a test compares the two. The ids are ours: a campaign
file names one with `challenge: ID`, and `autolab deliverables --challenge ID` packs the evidence of such a campaign.
*Name seen* says how the name was seen: in the text that published it (verified), or in somebody else's summary (second
hand).
"""
_KEYS = """\
# The files of the deliverables

This page is written from the models that read the files, and a test compares the two. `registers.yaml`,
`agreements.yaml` and `annual.yaml` lie beside the lab file. Nobody has to write them: what they do not say is *none
recorded*. They are read as strictly as the [lab file](lab-file.md): unknown keys are refused, and so is a day after
`--as-of` where something is said to have happened. [How to write them](../how-to/registers-and-annual-chapter.md) has
examples.
"""


def challenges_page() -> str:
    """The challenges as Markdown."""
    known = reference()
    parts = [_CHALLENGES]
    for each in known.lists.values():
        parts.append(f"\n- **{each.id}**: {each.title}, announced {each.announced} ([source]({each.source}))")
    heads = " | ".join(known.lists)
    parts.append(f"\n\n| id | name | {heads} | name seen |\n|---|---|{'---|' * len(known.lists)}---|\n")
    for challenge in known.challenges.values():
        numbers = " | ".join(str(challenge.lists.get(name, "")) for name in known.lists)
        status = challenge.status.replace("_", " ")
        parts.append(f"| `{challenge.id}` | {challenge.name} | {numbers} | {status} |\n")
    return "".join(parts)


def files_page() -> str:
    """The keys of the files as Markdown."""
    parts = [_KEYS]
    for name, model in FILES.items():
        parts.append(f"\n## {name}\n\n{model.__doc__}\n")
        for key, field in model.model_fields.items():
            entry = _entry(field.annotation)
            parts.append(f"\n### `{key}`\n\n{field.description}\n\n{_table(entry)}")
    return "".join(parts)


def _entry(annotation: Any) -> type[FileModel]:
    return annotation.__args__[1]


def _table(model: type[FileModel]) -> str:
    return "".join(["| key | needed | |\n|---|---|---|\n", *_rows(model)])


def _rows(model: type[FileModel], prefix: str = "") -> list[str]:
    rows: list[str] = []
    for name, field in model.model_fields.items():
        key = f"{prefix}{field.alias or name}"
        choices = [each for each in _words_of(field.annotation) if f"`{each}`" not in (field.description or "")]
        one_of = f" One of {', '.join(f'`{each}`' for each in choices)}." if choices else ""
        words = (field.description or "").replace("|", "\\|").replace("\n", " ") + one_of
        rows.append(f"| `{key}` | {'yes' if field.is_required() else ''} | {words} |\n")
        inner = _inner(field.annotation)
        if inner is not None:
            rows += _rows(inner, f"{key}.")
    return rows


def _words_of(annotation: Any) -> list[str]:
    """The words that a key may be set to."""
    kinds = [annotation, *getattr(annotation, "__args__", ())]
    return [str(word) for kind in kinds if get_origin(kind) is Literal for word in get_args(kind)]


def _inner(annotation: Any) -> type[FileModel] | None:
    for each in (annotation, *getattr(annotation, "__args__", ())):
        if isinstance(each, type) and issubclass(each, FileModel):
            return each
    return None


if __name__ == "__main__":
    (FOLDER / "challenges.md").write_text(challenges_page(), encoding="utf-8")
    (FOLDER / "deliverables-files.md").write_text(files_page(), encoding="utf-8")
