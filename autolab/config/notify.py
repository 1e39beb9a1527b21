"""Reads ``notify.yaml``: who is told outside the pages when something in a lab waits for a person."""

from __future__ import annotations

import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, StringConstraints

from autolab.config.fields import MAIL, FileModel, Quantity, Slug, Text
from autolab.config.problems import Problems
from autolab.config.units import convert, read_quantity
from autolab.config.words import KeyPath
from autolab.config.yamlfile import read_yaml
from autolab.core.errors import InputError

__all__ = ["KINDS", "HookSpec", "Kind", "MailSpec", "NotifySpec", "load_notify"]

Kind = Literal["answer", "approve", "settle", "resume", "reset", "bypass", "alarm"]
KINDS: tuple[Kind, ...] = ("answer", "approve", "settle", "resume", "reset", "bypass", "alarm")
LOOPBACK = ("127.0.0.1", "::1", "localhost")
SHORTEST_SECRET = 16
Address = Annotated[str, StringConstraints(pattern=MAIL, max_length=200)]


class MailModel(FileModel):
    """How e-mail is sent."""

    host: Text = Field(examples=["smtp.example.org"])
    """The server that takes it."""
    port: int = Field(default=587, ge=1, le=65535)
    """Its port."""
    tls: Literal["starttls", "implicit", "none"] = "starttls"
    """How it is encrypted: begun on an open connection, from the first byte on, or not at all (this machine only)."""
    ca: Text | None = None
    """File of certificates that are trusted, where the server's is signed by nobody whom this machine knows."""
    user: Text | None = None
    """Name to sign in with."""
    password_file: Text | None = None
    """File that holds the password, which its owner alone may read."""
    sender: Address = Field(examples=["autolab@example.org"])
    """Whom it is from."""
    to: list[Address] = Field(min_length=1, max_length=50, examples=["[bench@example.org]"])
    """Who gets it."""
    kinds: list[Kind] = Field(default=list(KINDS), min_length=1)
    """What is told."""


class HookModel(FileModel):
    """Where a signed request is posted to."""

    url: Text = Field(examples=["https://duty.example.org/autolab"])
    """The receiver."""
    secret_file: Text
    """File that holds the secret of the signature, which its owner alone may read; at least 16 characters."""
    ca: Text | None = None
    """As under `mail`."""
    kinds: list[Kind] = Field(default=list(KINDS), min_length=1)
    """What is told."""


class NotifyModel(FileModel):
    """Who is told when something waits for a person."""

    after: Quantity = Field(default="1 min", examples=["1 min"])
    """How long something has waited when it is told: what somebody at the bench sees to at once is not."""
    pages: Text | None = Field(default=None, examples=["https://lab.example.org:8420"])
    """Where people find the pages; each message leads there."""
    mail: MailModel | None = None
    """E-mail."""
    webhooks: dict[Slug, HookModel] = Field(default_factory=dict[Slug, HookModel], max_length=20)
    """Signed requests, by name."""


@dataclass(frozen=True, slots=True)
class MailSpec:
    """How e-mail is sent."""

    host: str
    port: int
    tls: Literal["starttls", "implicit", "none"]
    ca: Path | None
    user: str | None
    password: str | None = field(repr=False)
    sender: str
    to: tuple[str, ...]
    kinds: frozenset[Kind]


@dataclass(frozen=True, slots=True)
class HookSpec:
    """Where a signed request is posted to."""

    url: str
    secret: bytes = field(repr=False)
    ca: Path | None
    kinds: frozenset[Kind]


@dataclass(frozen=True, slots=True)
class NotifySpec:
    """Who is told, and after how many seconds."""

    after_s: float
    pages: str | None
    mail: MailSpec | None
    webhooks: dict[str, HookSpec]


def load_notify(path: Path) -> NotifySpec:
    """Read and check a file of notifications, and the secrets that it names.

    Raises:
        FileError: the file or one line of it is refused, or others may read a secret.
        InputErrors: several lines are refused.
    """
    file = read_yaml(path)
    problems = Problems(file.source)
    problems.check_shape(NotifyModel, file.values)
    problems.raise_any()
    model = NotifyModel.model_validate(file.values)
    after_s = _seconds(problems, model.after)
    if model.mail is None and not model.webhooks:
        problems.add((), "nobody is told: add 'mail' or 'webhooks', or leave --notify out")
    mail = None if model.mail is None else _mail(problems, path, model.mail)
    hooks = {name: _hook(problems, path, name, one) for name, one in model.webhooks.items()}
    problems.raise_any()
    return NotifySpec(after_s, model.pages and model.pages.rstrip("/"), mail, hooks)


def _mail(problems: Problems, path: Path, model: MailModel) -> MailSpec:
    if model.tls == "none" and model.host not in LOOPBACK:
        problems.add(("mail", "tls"), "tls: none sends messages in the clear: only to a server on this machine")
    if (model.user is None) != (model.password_file is None):
        problems.add(("mail",), "mail: user and password_file go together: give both, or neither")
    at, secret = ("mail", "password_file"), None
    if model.password_file is not None:
        secret = _secret(problems, path.parent / model.password_file, at, 1)
    return MailSpec(
        host=model.host, port=model.port, tls=model.tls, ca=_trusted(problems, path, ("mail", "ca"), model.ca),
        user=model.user, password=secret, sender=model.sender, to=tuple(model.to), kinds=frozenset(model.kinds),
    )  # fmt: skip


def _hook(problems: Problems, path: Path, name: str, model: HookModel) -> HookSpec:
    at: KeyPath = ("webhooks", name)
    try:
        found = urlsplit(model.url)
        is_good = found.scheme in ("http", "https") and bool(found.hostname) and (found.port or 1) > 0
    except ValueError:
        found, is_good = urlsplit(""), False
    if not is_good or found.username is not None or found.fragment:
        problems.add((*at, "url"), f"url: {model.url!r} is no address such as https://duty.example.org/autolab")
    elif found.scheme == "http" and found.hostname not in LOOPBACK:
        problems.add((*at, "url"), "url: http sends messages in the clear: say https, unless it is on this machine")
    secret = _secret(problems, path.parent / model.secret_file, (*at, "secret_file"), SHORTEST_SECRET)
    ca = _trusted(problems, path, (*at, "ca"), model.ca)
    return HookSpec(model.url, (secret or "").encode(), ca, frozenset(model.kinds))


def _secret(problems: Problems, file: Path, at: KeyPath, shortest: int) -> str | None:
    """What a file of one line holds, where its owner alone may read it."""
    try:
        mode = file.stat().st_mode
        text = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        problems.add(at, f"{at[-1]}: {file}: {why}: write the secret there, and 'chmod 600' it")
        return None
    if stat.S_IMODE(mode) & 0o077:
        problems.add(at, f"{at[-1]}: others may read {file}: 'chmod 600' it, and choose another secret")
    elif len(text) < shortest or "\n" in text:
        problems.add(at, f"{at[-1]}: {file} holds no secret of {shortest} or more characters in one line")
    return text


def _trusted(problems: Problems, path: Path, at: KeyPath, name: str | None) -> Path | None:
    if name is None:
        return None
    file = path.parent / name
    if not file.is_file():
        problems.add(at, f"ca: there is no file {file}: name the certificates in PEM, or leave it out")
    return file


def _seconds(problems: Problems, text: str | float) -> float:
    try:
        if not isinstance(text, str):
            raise InputError(f"{text} has no unit: write for example '1 min'")
        quantity = read_quantity(text, "s")
        seconds = convert(quantity.value, quantity.unit, "s")
        if not 0.0 <= seconds <= 86400.0:
            raise InputError(f"{text!r} is not between 0 s and one day")
    except InputError as error:
        problems.add(("after",), f"after: {error}")
        return 0.0
    return seconds
