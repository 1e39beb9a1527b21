"""A server of a small lab, with an account of each role, and a client that speaks HTTP to it as a program does."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import psutil

from autolab.core.roles import Role, scopes_of
from autolab.server.doors import COOKIE
from autolab.server.serving import serving
from autolab.server.sessions import csrf_of
from autolab.server.settings import Context, Settings
from tests.server.quick import PASSWORD, QUICK

NAMES = {role: f"the-{role.replace(' ', '-')}" for role in Role}


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


@dataclass
class Client:
    """One browser or program: its cookie, or its key."""

    address: str
    cookie: str | None = None
    key: str | None = None
    headers: dict[str, str] = field(default_factory=dict)

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        form: Mapping[str, Any] | None = None,
        raw: bytes | None = None,
        **more: str,
    ) -> Answer:
        headers = {**self.headers, **{name.replace("_", "-"): value for name, value in more.items()}}
        if self.cookie is not None:
            headers["Cookie"] = f"{COOKIE}={self.cookie}"
            headers.setdefault("X-CSRF-Token", csrf_of(self.cookie))
        if self.key is not None:
            headers["Authorization"] = f"Bearer {self.key}"
        data: Any = raw
        if form is not None:
            data, headers["Content-Type"] = urlencode(form, doseq=True), "application/x-www-form-urlencoded"
        elif body is not None:
            data, headers["Content-Type"] = json.dumps(body), "application/json"
        connection = http.client.HTTPConnection(urlsplit(self.address).netloc, timeout=60)
        try:
            connection.request(method, path, data, headers)
            answer = connection.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            is_endless = found.get("content-type", "").startswith("text/event-stream")
            return Answer(answer.status, found, "" if is_endless else answer.read().decode())
        finally:
            connection.close()

    def get(self, path: str, **more: str) -> Answer:
        return self.send("GET", path, None, None, None, **more)

    def post(self, path: str, body: Any = None, **more: Any) -> Answer:
        return self.send("POST", path, {} if body is None and "form" not in more else body, **more)

    def sign_in(self, name: str, password: str = PASSWORD) -> Client:
        answer = self.post("/login", form={"name": name, "password": password})
        assert answer.status == 303, answer.text
        return Client(self.address, cookie=answer.headers["set-cookie"].partition(";")[0].partition("=")[2])


@dataclass(frozen=True)
class House:
    address: str
    context: Context
    lab: Path
    data: Path

    @property
    def nobody(self) -> Client:
        return Client(self.address)

    def enter(self, role: Role | None) -> Client:
        """Somebody of a role, as if they had signed in, or with an API key where it is an agent."""
        if role is None:
            return self.nobody
        name = NAMES[role]
        if role is Role.AGENT:
            return Client(self.address, key=self.context.sessions.make_key(name, "tests", scopes_of([role]), 1)[0])
        key = self.context.accounts.sign_in(name, PASSWORD)
        assert key is not None
        return Client(self.address, cookie=self.context.sessions.begin(name, key))


def add_account(context: Context, name: str, *roles: Role) -> None:
    token = context.accounts.add(name, roles)
    if token is not None:
        context.accounts.open(token, name, PASSWORD)


def controller_of(data: Path) -> psutil.Process:
    """The controller that a server has started; those that it has forked bear the same words."""
    found = {process.pid: process for process in psutil.process_iter() if _is_controller(process, data)}
    (first,) = [process for process in found.values() if process.ppid() not in found]
    return first


def _is_controller(process: psutil.Process, data: Path) -> bool:
    try:
        return {"autolab.compose.detached", str(data.absolute())} <= set(process.cmdline())
    except psutil.Error:
        return False


@contextmanager
def house(lab: Path, data: Path, *, simulate: bool = True, notify: Path | None = None) -> Iterator[House]:
    """A running server with an account of each role."""
    with serving(Settings(lab, data, port=0, simulate=simulate, notify=notify), QUICK) as (address, context):
        for role, name in NAMES.items():
            if name not in [entry.name for entry in context.accounts.all()]:
                add_account(context, name, role)
        yield House(address, context, lab, data)
