"""The doors of the server: each route with the scope that it asks for, in one table. Deny by default.

A route is opened with `Doors` or not at all: `Doors.check` refuses an application with another one. Whoever comes is
let through by `autolab.core.roles.allow`; an error while that is decided is a no.
"""

from __future__ import annotations

import hmac
import ipaddress
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Annotated, Any, Literal, cast
from urllib.parse import urlsplit

from fastapi import Depends, FastAPI, Path, Query, Request
from fastapi.responses import HTMLResponse

from autolab.compose.acting import Caller
from autolab.core.errors import AutolabError, NotAuthorisedError
from autolab.core.principals import Principal
from autolab.core.roles import Account, Scope, allow
from autolab.server.problems import PROBLEMS, NotSignedInError, TooOftenError
from autolab.server.sessions import csrf_of, somebody
from autolab.server.settings import Context

__all__ = [
    "COOKIE", "LARGEST", "At", "Door", "Doors", "Here", "Me", "MeOrNobody", "TrialNumber", "address_of", "caller_of",
    "is_address", "principal_of",
]  # fmt: skip

COOKIE = "autolab_session"
Asks = Scope | Literal["nothing", "an account", "nothing at all"]
"""``nothing`` for the way in; ``nothing at all`` for stop and emergency stop, which no limit holds up either."""
_SAFE = ("GET", "HEAD")
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


@dataclass(frozen=True, slots=True)
class Door:
    """One route."""

    method: str
    path: str
    asks: Asks
    summary: str


class Doors:
    """Opens routes of an application.

    Args:
        app: The application.
    """

    def __init__(self, app: FastAPI) -> None:
        self._app = app
        self.table: list[Door] = []

    def open(self, method: str, path: str, asks: Asks, handler: Callable[..., Any], **more: Any) -> None:
        """Open one route.

        Args:
            method: ``GET``, ``POST``, ``PUT`` or ``DELETE``.
            path: The path.
            asks: The scope that it takes to come in.
            handler: Answers; its docstring says in its first line what the route does.
            more: For `fastapi.FastAPI.add_api_route`.
        """
        summary = (handler.__doc__ or "").strip().partition("\n")[0]
        is_api, extra = path.startswith("/api/"), more.pop("openapi_extra", {})
        if not is_api:
            more = {"include_in_schema": False, "response_class": HTMLResponse, "response_model": None, **more}
        self._app.add_api_route(
            path,
            handler,
            methods=[method],
            summary=summary,
            name=f"{method} {path}",
            dependencies=[Depends(_watch(asks))],
            responses=PROBLEMS if is_api else None,
            openapi_extra={"x-asks": str(asks), "security": [] if asks == "nothing at all" else _SECURITY, **extra},
            **more,
        )
        self.table.append(Door(method, path, asks, summary))

    def check(self) -> None:
        """Refuse an application with a route that asks nobody.

        Raises:
            NotAuthorisedError: there is one.
        """
        known = {(door.method, door.path) for door in self.table}
        found = {(method, path) for path, methods in _routes(self._app) for method in methods}
        if left := sorted(found - known):
            raise NotAuthorisedError(f"routes that ask nobody: {', '.join(' '.join(each) for each in left)}")


_SECURITY: list[dict[str, list[str]]] = [{"session": []}, {"key": []}]


def _routes(app: FastAPI) -> Iterable[tuple[str, set[str]]]:
    for route in app.routes:
        methods = cast("set[str] | None", getattr(route, "methods", None))
        yield str(getattr(route, "path", route)), (methods or {"?"}) - {"HEAD"}


def _watch(asks: Asks) -> Callable[[Request], Any]:
    """Who stands at a door, and whether they may come in."""

    async def at_the_door(request: Request) -> None:
        context = cast("Context", request.app.state.context)
        try:
            account = _account(context, request)
            request.state.account = account
            if asks == "nothing at all":
                return
            _refuse_haste(context, account.name if account else address_of(request))
            if request.method not in _SAFE:
                await _refuse_forged(request, account)
            if asks == "nothing":
                return
            if account is None:
                raise NotSignedInError("nobody has signed in, or the session is over: sign in, then do it again")
            if isinstance(asks, Scope):
                allow(account, asks)
        except AutolabError:
            if asks != "nothing at all":
                await request.close()  # with the file that came along
                raise
        except Exception:  # what cannot be decided is refused, but never a stop
            request.state.account = None
            if asks != "nothing at all":
                logging.getLogger(__name__).exception("whether %s may come in", request.url.path)
                raise NotAuthorisedError("it cannot be decided whether you may do this, so you may not") from None

    return at_the_door


def _account(context: Context, request: Request) -> Account | None:
    said = request.headers.get("authorization", "")
    if said:
        kind, _, key = said.partition(" ")
        found = context.sessions.account_of_key(key.strip()) if kind.lower() == "bearer" else None
        if found is None:
            raise NotSignedInError("this API key is none, was ended, or has expired: make another in your settings")
        return found
    return context.sessions.account(request.cookies.get(COOKIE))


def _refuse_haste(context: Context, who: str) -> None:
    wait_s = context.requests.wait_s(who)
    if wait_s:
        raise TooOftenError("too many requests", wait_s)


async def _refuse_forged(request: Request, account: Account | None) -> None:
    """Refuse what another site sends in the name of somebody who is signed in here.

    Raises:
        NotAuthorisedError: it is so, or the form is from another session.
    """
    if account is not None and account.via == "key":
        return
    origin = request.headers.get("origin")
    is_foreign = origin not in (None, "null") and urlsplit(origin).netloc != request.headers.get("host")
    if is_foreign or request.headers.get("sec-fetch-site") == "cross-site":
        raise NotAuthorisedError("this was sent from another site, and nothing was done: open the page here")
    if account is None:
        return
    said = request.headers.get("x-csrf-token")
    if said is None and request.headers.get("content-type", "").startswith(_FORMS):
        said = str((await request.form()).get("csrf", ""))
    if not hmac.compare_digest(said or "", csrf_of(request.cookies[COOKIE])):
        raise NotAuthorisedError("this form is from an earlier session, and nothing was done: load the page again")


def address_of(request: Request) -> str:
    """Where a request comes from; where the lab's proxy has sent it, what that says last, which it has seen itself."""
    if request.client is None:
        return "an unknown place"
    context = cast("Context", request.app.state.context)
    if request.client.host != context.settings.proxy:
        return request.client.host
    said = request.headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
    return said if is_address(said) else request.client.host


def is_address(text: str) -> bool:
    """Whether a text is an IP address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


# These three are coroutines although they wait for nothing: a plain function gets a thread, and where all threads of
# the server wait for something, a stop would wait for a thread.
async def _context(request: Request) -> Context:
    return cast("Context", request.app.state.context)


async def _nobody_or_account(request: Request) -> Account | None:
    return cast("Account | None", getattr(request.state, "account", None))


async def _signed_in(request: Request) -> Account:
    account = await _nobody_or_account(request)
    if account is None:
        raise NotSignedInError("nobody has signed in: sign in first")
    return account


LARGEST = 2**53
"""A whole number that every program reads exactly, and the database takes."""
At = Annotated[int, Query(ge=0, le=LARGEST, description="'next' of the page before.")]
TrialNumber = Annotated[int, Path(ge=0, le=LARGEST, description="Number of the trial.")]
Here = Annotated[Context, Depends(_context)]
Me = Annotated[Account, Depends(_signed_in)]
MeOrNobody = Annotated[Account | None, Depends(_nobody_or_account)]


def caller_of(
    context: Context, request: Request, account: Account, password: str | None = None, *, is_fresh: bool = False
) -> Caller:
    """Whoever is signed in, with the key that the session or a password has opened; a fresh one by a password only.

    Raises:
        NotAuthorisedError: the password is wrong.
    """
    if password:
        wait_s = context.sign_ins.wait_s(f"sign {account.name}")
        if wait_s:
            raise TooOftenError("too many passwords", wait_s)
    return context.sessions.caller(account, request.cookies.get(COOKIE), password, is_fresh=is_fresh)


def principal_of(request: Request, account: Account | None) -> Principal:
    """Who did something, also where nobody has signed in."""
    return account.principal if account is not None else somebody(address_of(request))
