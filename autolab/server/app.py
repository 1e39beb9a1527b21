"""The application: all doors, what stands before them, and what goes wrong in words."""

from __future__ import annotations

import mimetypes
from importlib.resources import files
from typing import Any, cast

from fastapi import FastAPI, Request
from fastapi.responses import Response

import autolab
from autolab.core.roles import Scope
from autolab.server.doing import open_doing
from autolab.server.doors import Doors
from autolab.server.drafting import open_drafting
from autolab.server.entering import open_entering
from autolab.server.forms import open_forms
from autolab.server.moving import open_moving
from autolab.server.pages import open_pages
from autolab.server.people import open_people
from autolab.server.problems import NotFoundError, Problem, explain
from autolab.server.readiness import open_readiness
from autolab.server.reading import open_reading
from autolab.server.rendering import problem_page
from autolab.server.searching import open_searching
from autolab.server.settings import Context
from autolab.server.shield import Shield
from autolab.server.stops import open_stops
from autolab.server.streaming import open_streaming
from autolab.server.tending import open_tending

__all__ = ["make_app", "open_all_doors"]

_STATIC = ("autolab.css", "autolab.js", "drafting.js", "pictures.js", "icon.svg")
_ABOUT = (
    "One laboratory in a closed loop. Sign in with a session cookie, or with an API key as `Authorization: Bearer`. "
    "Every error is a problem-details body that says what to do. What starts or changes something takes an "
    "`Idempotency-Key`. Stop and emergency stop ask for no account."
)


def make_app(context: Context) -> FastAPI:
    """The application of one lab.

    Args:
        context: What all doors share. Whoever opened it closes it.

    Raises:
        NotAuthorisedError: a route asks nobody.
    """
    app = FastAPI(
        title="Autolab", version=autolab.__version__, description=_ABOUT, openapi_url=None, docs_url=None,
        redoc_url=None,
    )  # fmt: skip
    app.state.context = context
    app.add_middleware(cast("Any", Shield), is_secure=context.settings.is_secure)

    def render(request: Request, problem: Problem, headers: dict[str, str]) -> Response:
        return problem_page(context, request, problem, headers)

    explain(app, render)
    app.state.doors = open_all_doors(app)
    return app


def open_all_doors(app: FastAPI) -> Doors:
    """Open all doors of an application, and see that there are no others.

    Raises:
        NotAuthorisedError: a route asks nobody.
    """
    doors = Doors(app)
    open_stops(doors)
    open_entering(doors)
    open_reading(doors)
    open_doing(doors)
    open_tending(doors)
    open_moving(doors)
    open_drafting(doors)
    open_searching(doors)
    open_readiness(doors)
    open_people(doors)
    open_streaming(doors)
    open_pages(doors)
    open_forms(doors)
    doors.open("GET", "/static/{name}", "nothing", static)
    doors.open("GET", "/favicon.ico", "nothing", icon)
    doors.open("GET", "/api/v1/openapi.json", Scope.READ_STATUS, description, include_in_schema=False)
    doors.check()
    return doors


def description(request: Request) -> dict[str, Any]:
    """Describe this interface (OpenAPI)."""
    return described(cast("FastAPI", request.app))


def described(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI description of an application, with both ways to sign in."""
    found = app.openapi()
    found.setdefault("components", {})["securitySchemes"] = {
        "session": {"type": "apiKey", "in": "cookie", "name": "autolab_session"},
        "key": {"type": "http", "scheme": "bearer"},
    }
    return found


def icon() -> Response:
    """Give the sign of the pages, where a browser looks for it by itself."""
    return static("icon.svg")


def static(name: str) -> Response:
    """Give style and scripts; Plotly from its installed package."""
    if name == "plotly.js":
        text = files("plotly").joinpath("package_data", "plotly.min.js").read_bytes()
        return Response(text, media_type="text/javascript", headers={"Cache-Control": "private, max-age=86400"})
    if name not in _STATIC:
        raise NotFoundError(f"there is no file {name!r}")
    kind = mimetypes.guess_type(name)[0] or "text/plain"
    text = files("autolab.server").joinpath("static", name).read_bytes()
    return Response(text, media_type=kind, headers={"Cache-Control": "no-cache"})
