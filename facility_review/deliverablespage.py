"""The deliverables of one facility as one page that needs no network."""

from __future__ import annotations

import functools
from importlib.resources import files
from typing import TYPE_CHECKING

import jinja2
from markupsafe import Markup

from facility_review.agreements import FUNCTIONS
from facility_review.pack import Pack

if TYPE_CHECKING:
    from facility_review.deliverables import Deliverables

__all__ = ["render_deliverables"]


def render_deliverables(found: Deliverables, pack: Pack | None) -> str:
    """The page. The same deliverables give the same text."""
    style = _part("autolab.report", "page.css") + _part("facility_review", "portfolio.css")
    return _template().render(
        found=found,
        pack=pack,
        functions=FUNCTIONS,
        style=Markup(style + _part("facility_review", "deliverables.css")),  # noqa: S704 (our own files)
    )


@functools.cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(_part("facility_review", "deliverables.html"))


def _part(package: str, name: str) -> str:
    return files(package).joinpath(name).read_text(encoding="utf-8")
