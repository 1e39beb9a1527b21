"""The way in and out: sign in, sign out, and the one-time link with which people choose a password."""

from __future__ import annotations

from typing import Annotated

from fastapi import Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from autolab.core.errors import InputError
from autolab.core.principals import Principal
from autolab.core.roles import Role
from autolab.server.doors import COOKIE, Doors, Here, Me, MeOrNobody, address_of
from autolab.server.problems import TooOftenError
from autolab.server.rendering import back_to, redirect, render
from autolab.server.sessions import SESSION_HOURS, somebody
from autolab.server.settings import Context

__all__ = ["open_entering"]

Text = Annotated[str, Form(max_length=300)]
BESIDE = (Role.RESEARCHER, Role.TECHNICIAN, Role.SAFETY_OFFICER)
"""What the first administrator may be besides."""


def login_page(context: Here, account: MeOrNobody, request: Request, next: str = "/") -> Response:  # noqa: A002 (the word in the address)
    """Show where one signs in."""
    if account is not None:
        return RedirectResponse(back_to(next), 303)
    first = context.accounts.needs_administrator()
    return render(context, request, "login.html", next=back_to(next), name="", problem="", is_first=first)


def login(
    context: Here, request: Request, name: Text = "", password: Text = "", next: Text = "/"  # noqa: A002 (the words of the form)
) -> Response:  # fmt: skip
    """Sign in."""
    where = address_of(request)
    wait_s = context.sign_ins.wait_s(where)
    if wait_s:
        raise TooOftenError("too many tries to sign in", wait_s)
    key = context.accounts.sign_in(name, password)
    if key is None:
        context.note(somebody(where), "sign-in refused", name[:64])
        text = "Name or password is wrong, or the account is closed."
        shown = {"next": back_to(next), "name": name, "problem": text, "is_first": False}
        return render(context, request, "login.html", status=403, **shown)
    context.note(Principal(name, "person"), "sign in", f"from {where}")
    response = redirect(back_to(next))
    _set_cookie(context, response, context.sessions.begin(name, key))
    return response


def logout(context: Here, account: Me, request: Request) -> Response:
    """Sign out."""
    context.sessions.end(request.cookies.get(COOKIE, ""))
    context.note(account.principal, "sign out", f"from {address_of(request)}")
    response = redirect("/login")
    response.delete_cookie(COOKIE)
    return response


def welcome_page(context: Here, request: Request, token: Annotated[str, Query(max_length=200)] = "") -> HTMLResponse:
    """Show where a one-time link lets somebody choose a password."""
    name, roles = context.accounts.invited(token)
    return _welcome(context, request, token, name, roles)


def welcome(
    context: Here, request: Request, token: Text = "", name: Text = "", password: Text = "", again: Text = "",
    roles: Annotated[list[Role] | None, Form()] = None,
) -> Response:  # fmt: skip
    """Choose the password of an account by its one-time link, and sign in."""
    wait_s = context.sign_ins.wait_s(address_of(request))
    if wait_s:
        raise TooOftenError("too many tries", wait_s)
    known, given = context.accounts.invited(token)
    try:
        if password != again:
            raise InputError("the two passwords differ: type them again")
        beside = [role for role in roles or [] if role in BESIDE] if known is None else []
        entry = context.accounts.open(token, known or name, password, beside)
    except InputError as error:
        return _welcome(context, request, token, known, given, name, str(error))
    said = f"{', '.join(sorted(entry.roles))}; from {address_of(request)}"
    context.note(Principal(entry.name, "person"), "choose password", said)
    key = context.accounts.sign_in(entry.name, password)
    response = redirect("/", f"Welcome, {entry.name}. Your signing key is shown in your settings.")
    if key is not None:
        _set_cookie(context, response, context.sessions.begin(entry.name, key))
    return response


def _welcome(
    context: Context, request: Request, token: str, name: str | None, roles: frozenset[Role], typed: str = "",
    problem: str = "",
) -> HTMLResponse:  # fmt: skip
    shown = {"token": token, "name": name, "roles": sorted(roles), "typed": typed, "problem": problem}
    return render(context, request, "welcome.html", status=422 if problem else 200, beside=BESIDE, **shown)


def _set_cookie(context: Context, response: Response, secret: str) -> None:
    response.set_cookie(
        COOKIE, secret, max_age=SESSION_HOURS * 3600, httponly=True, samesite="lax", secure=context.settings.is_secure
    )


def open_entering(doors: Doors) -> None:
    """Open these doors."""
    doors.open("GET", "/login", "nothing", login_page)
    doors.open("POST", "/login", "nothing", login)
    doors.open("POST", "/logout", "an account", logout)
    doors.open("GET", "/welcome", "nothing", welcome_page)
    doors.open("POST", "/welcome", "nothing", welcome)
