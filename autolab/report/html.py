"""HTML pages that need nothing else: our style and script, plotly, and figures with words and tables beside them."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2
from markupsafe import Markup

from autolab.core.errors import StorageError

if TYPE_CHECKING:
    import plotly.graph_objects as go

__all__ = ["Picture", "page", "picture", "write_page"]


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure with what somebody needs who cannot see it."""

    id: str
    title: str
    summary: str
    """What it shows, in one or two sentences."""
    json: Markup
    header: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    note: str = ""


def picture(name: str, title: str, text: str, figure: go.Figure, **more: Any) -> Picture:
    """A figure for a page, with its title, its summary in words, and more fields of `Picture`."""
    content = json.dumps(json.loads(figure.to_json() or "{}"), separators=(",", ":"), sort_keys=True)
    for character in "<>&\u2028\u2029":  # so that no text can end the script element that holds it
        content = content.replace(character, f"\\u{ord(character):04x}")
    return Picture(name, title, text, Markup(content), **more)  # noqa: S704 (escaped in the line above)


def page(template: str, **values: Any) -> str:
    """A page from one of our templates. The same values give the same text."""
    return _template(template).render(
        plotly=Markup(_plotly()),  # noqa: S704 (the installed package's own script)
        style=Markup(_part("page.css")),  # noqa: S704 (our own file)
        script=Markup(_part("page.js")),  # noqa: S704 (our own file)
        **values,
    )


def write_page(path: Path, text: str) -> Path:
    """Write a page to a file, whole or not at all. Returns its path.

    Raises:
        StorageError: there is no room or no right to write.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise StorageError(f"{path}: the report cannot be written ({error.strerror}); name another file") from error
    return path


@functools.cache
def _template(name: str) -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_part),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(name)


@functools.cache
def _plotly() -> str:
    from plotly.offline import get_plotlyjs

    return get_plotlyjs().replace("</script", "<\\/script")


def _part(name: str) -> str:
    return files("autolab.report").joinpath(name).read_text(encoding="utf-8")
