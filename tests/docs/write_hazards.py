"""Writes the page of the hazard register anew: ``python -m tests.docs.write_hazards``."""

from __future__ import annotations

from pathlib import Path

from safety.hazards import hazard_page, hazards

if __name__ == "__main__":
    (Path(__file__).parents[2] / "docs/reference/hazards.md").write_text(hazard_page(hazards()), encoding="utf-8")
