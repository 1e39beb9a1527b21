"""Writes the reference page of the doors: ``python -m tests.server.write_reference``."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI

from autolab.server.app import open_all_doors
from autolab.server.reference import reference

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "doors.md"

if __name__ == "__main__":
    doors = open_all_doors(FastAPI(openapi_url=None, docs_url=None, redoc_url=None))
    PAGE.write_text(reference(doors.table), encoding="utf-8")
