"""The files that people write for a review: their JSON Schemas, and the page of ``evidence.yaml``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from autolab.config.fields import FileModel
from autolab.config.reference import RULES, keys_text
from autolab.config.schema import model_schema
from facility_review.agreements import AgreementsModel
from facility_review.annualmodels import AnnualModel
from facility_review.evidencemodel import EvidenceFileModel
from facility_review.registermodels import RegistersModel
from facility_review.unitfiles import MOST_BYTES, MOST_READ

__all__ = ["MODELS", "ReviewFile", "evidence_page", "review_schema"]

ReviewFile = Literal["evidence", "registers", "agreements", "annual"]
MODELS: Mapping[ReviewFile, type[FileModel]] = {
    "evidence": EvidenceFileModel,
    "registers": RegistersModel,
    "agreements": AgreementsModel,
    "annual": AnnualModel,
}
"""What reads each file."""
_HEAD = """\
# The file of evidence

An `evidence.yaml` says of one unit what its records cannot: where its boundary is, which devices it has, and what
people can show, with the files that show it. It lies beside the lab file; a unit that does not run autolab has this
file alone. `autolab review` reads it, and says what is wrong with its line: an entry that is wrong does not count, and
the others do. `autolab schema evidence` prints its JSON Schema, for editors that complete and check while you type.
[Assess a facility](../how-to/assess-a-facility.md) has examples, and
[How a readiness score is made](../explanation/readiness.md) says what an entry earns.

This page is written from the models that read the file, and a test compares the two.
"""
_LIMITS = f"""
What else holds:

- **Files** (`files` of an entry, `bluesky`, `tables`, `workbook`): a path from the folder of this file to a plain file
  in it. A path that leads out of the folder (by `..`, from the root, or through a link), a device, a pipe and an empty
  file are refused. A table and a workbook may have {MOST_READ // 2**20} MiB, all others {MOST_BYTES // 2**30} GiB.
- **Days** lie from 1990 to 2100. An entry of a day after that of the assessment does not count.
- **Names** (`by`): a person. What stands for nobody, such as `unknown`, `n/a`, `none`, `tbd` or `-`, is refused.
- **Independence**: `assessor_independence` is `peer` or `third_party` only in an entry whose own `independence` is at
  least that.
- **Replacing**: `supersedes` counts for a later entry on the same subject that counts, is of no worse class and realm,
  and has not expired. A hazard analysis that is replaced is compared with the configuration no more. What was computed
  from records is replaced by no statement.
"""


def review_schema(kind: ReviewFile) -> dict[str, Any]:
    """The JSON Schema of a file.

    Args:
        kind: Which file.
    """
    return model_schema(MODELS[kind], f"{kind}.yaml")


def evidence_page() -> str:
    """The reference page of ``evidence.yaml`` in Markdown."""
    return _HEAD + RULES + _LIMITS + keys_text(review_schema("evidence"))
