"""Sending a message: as e-mail (SMTP, RFC 5321, with TLS), or as a request that is signed (HMAC-SHA256, RFC 2104)."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import smtplib
import ssl
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from autolab.config.notify import HookSpec, MailSpec
from autolab.core.errors import AutolabError
from autolab.server.notices import Delivery

__all__ = ["UndeliveredError", "body_of", "post", "send_mail", "signature"]

ANSWER_REAL_S = 10.0
"""Real seconds that a server has for each answer."""
_WORDS = {
    "answer": "a question waits", "approve": "a trial waits for approval", "settle": "an action is in doubt",
    "resume": "a campaign has stopped", "reset": "the lab has tripped", "bypass": "a bypass waits for approval",
    "alarm": "an alarm", "test": "a test",
}  # fmt: skip


class UndeliveredError(AutolabError):
    """A message was not taken. It is tried again."""


def body_of(one: Delivery, pages: str | None) -> dict[str, Any]:
    """What is told, as JSON."""
    told = one.notice
    return {
        "id": one.id,
        "kind": told.kind,
        "lab": told.lab,
        "campaign": told.campaign,
        "trial": told.trial,
        "text": told.text,
        "since": told.since or datetime.fromtimestamp(one.made, UTC).isoformat(timespec="seconds"),
        "page": f"{pages}{told.page}" if pages else None,
    }


def signature(secret: bytes, timestamp: str, body: bytes) -> str:
    """What a receiver compares with ``Autolab-Signature``.

    Args:
        secret: That both know.
        timestamp: Of the header ``Autolab-Timestamp``, in seconds since 1970.
        body: Of the request.
    """
    return f"sha256={hmac.new(secret, timestamp.encode() + b'.' + body, hashlib.sha256).hexdigest()}"


def post(spec: HookSpec, one: Delivery, pages: str | None, now: float) -> None:
    """Post a message to a webhook. Redirects are not followed.

    Raises:
        UndeliveredError: it was not taken, and why.
    """
    body, timestamp, place = json.dumps(body_of(one, pages)).encode(), str(int(now)), urlsplit(spec.url)
    headers = {
        "Content-Type": "application/json",
        "Autolab-Id": one.id,
        "Autolab-Timestamp": timestamp,
        "Autolab-Signature": signature(spec.secret, timestamp, body),
    }
    host = place.hostname or ""
    try:
        if place.scheme == "https":
            secure = _tls(spec.ca)
            connection = http.client.HTTPSConnection(host, place.port, timeout=ANSWER_REAL_S, context=secure)
        else:
            connection = http.client.HTTPConnection(host, place.port, timeout=ANSWER_REAL_S)
        try:
            connection.request("POST", (place.path or "/") + (f"?{place.query}" if place.query else ""), body, headers)
            answer = connection.getresponse()
            answer.read(1000)
        finally:
            connection.close()
    except (OSError, http.client.HTTPException, UnicodeError) as error:
        raise UndeliveredError(f"{host}: {_why(error)}") from error
    if not 200 <= answer.status < 300:
        raise UndeliveredError(f"{host} answered {answer.status} {answer.reason}")


def send_mail(spec: MailSpec, one: Delivery, pages: str | None) -> None:
    """Send a message as e-mail to all that are named.

    Raises:
        UndeliveredError: not all of them get it, and why.
    """
    message = _mail(spec, one, pages)
    try:
        secure = _tls(spec.ca)
        if spec.tls == "implicit":
            server = smtplib.SMTP_SSL(spec.host, spec.port, timeout=ANSWER_REAL_S, context=secure)
        else:
            server = smtplib.SMTP(spec.host, spec.port, timeout=ANSWER_REAL_S)
        with server:
            if spec.tls == "starttls":
                server.starttls(context=secure)
            if spec.user is not None:
                server.login(spec.user, spec.password or "")
            refused = server.send_message(message, spec.sender, list(spec.to))
    except (OSError, smtplib.SMTPException, UnicodeError) as error:
        raise UndeliveredError(f"{spec.host}: {_why(error)}") from error
    if refused:
        raise UndeliveredError(f"{spec.host} refused {', '.join(refused)}")


def _mail(spec: MailSpec, one: Delivery, pages: str | None) -> EmailMessage:
    told, body = one.notice, body_of(one, pages)
    about = f" (trial {told.trial})" if told.trial else ""
    message = EmailMessage()
    message["Subject"] = " ".join(f"{told.lab}: {_WORDS[told.kind]}{about}".split())
    message["From"], message["To"] = spec.sender, ", ".join(spec.to)
    message["Date"] = format_datetime(datetime.fromtimestamp(one.made, UTC))
    message["Message-ID"] = f"<{one.id}@{spec.sender.partition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    lines = [told.text, "", f"lab: {told.lab}"]
    lines += [f"{key}: {body[key]}" for key in ("campaign", "trial", "since", "page") if body[key] is not None]
    message.set_content("\n".join(lines) + "\n")
    return message


def _tls(ca: Path | None) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=None if ca is None else str(ca))


def _why(error: Exception) -> str:
    """What went wrong, in one line without what the other side may have repeated of ours."""
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return "it does not take the user and password"
    if isinstance(error, smtplib.SMTPResponseException):
        return f"it answered {error.smtp_code}"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({error.verify_message}): name its signer with 'ca'"
    if isinstance(error, UnicodeError):
        return "user, password and address must be ASCII to be sent"
    if isinstance(error, TimeoutError):
        return f"no answer within {ANSWER_REAL_S:g} s"
    return " ".join(str(error).split())[:200] or type(error).__name__
