"""A mail server and a receiver of webhooks on this machine, which speak TLS with a certificate of their own."""

from __future__ import annotations

import ipaddress
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from autolab.core.clock import real_clock
from tests.compose.files import free_port

USER, PASSWORD = "autolab", "a quiet mail room"
SECRET = "a secret of the duty desk"


@dataclass(frozen=True)
class Identity:
    """A certificate for this machine that is its own signer."""

    folder: Path

    @property
    def ca(self) -> Path:
        return self.folder / "ca.pem"

    @classmethod
    def make(cls, folder: Path) -> Identity:
        key = generate_private_key(SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
        now = real_clock().date()
        certificate = (
            x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
            .add_extension(x509.BasicConstraints(True, None), True)
            .sign(key, hashes.SHA256())
        )
        (folder / "ca.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
        text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (folder / "key.pem").write_bytes(text)
        return cls(folder)

    def context(self) -> ssl.SSLContext:
        found = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        found.load_cert_chain(self.ca, self.folder / "key.pem")
        return found


@dataclass
class MailRoom:
    """Takes mail of whoever has begun TLS and signed in."""

    port: int
    got: list[EmailMessage] = field(default_factory=list[EmailMessage])

    async def handle_DATA(self, server: Any, session: Any, envelope: Envelope) -> str:
        assert session.ssl is not None
        assert isinstance(envelope.content, bytes)
        self.got.append(BytesParser(policy=default).parsebytes(envelope.content))
        return "250 taken"


@contextmanager
def mail_room(identity: Identity) -> Iterator[MailRoom]:
    room = MailRoom(free_port())

    def sign_in(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        is_known = isinstance(data, LoginPassword) and (data.login, data.password) == (USER.encode(), PASSWORD.encode())
        return AuthResult(success=is_known, handled=False)

    controller = Controller(
        room, "127.0.0.1", room.port, tls_context=identity.context(), require_starttls=True, auth_required=True,
        authenticator=sign_in,
    )  # fmt: skip
    controller.start()
    try:
        yield room
    finally:
        controller.stop()


@dataclass
class Desk:
    """Takes what is posted, and answers with the next of ``answers``, or with 204."""

    url: str
    answers: list[int] = field(default_factory=list[int])
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list[tuple[dict[str, str], bytes]])
    is_open: threading.Event = field(default_factory=threading.Event)


@contextmanager
def desk(identity: Identity) -> Iterator[Desk]:
    class Receives(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found.is_open.wait(30.0)
            found.got.append((dict(self.headers), body))
            status = found.answers.pop(0) if found.answers else 204
            self.send_response(status)
            if status == 302:
                self.send_header("Location", "https://elsewhere.invalid/")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (as its base has it)
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receives)
    server.socket = identity.context().wrap_socket(server.socket, server_side=True)
    found = Desk(f"https://127.0.0.1:{server.server_port}/duty?desk=1")
    found.is_open.set()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield found
    finally:
        found.is_open.set()
        server.shutdown()
        server.server_close()
        thread.join()


def notify_file(folder: Path, port: int, url: str, *, after: str = "0 s", ca: str = "ca.pem") -> Path:
    """Write a file of notifications with one mail address and one webhook, and its secrets."""
    for name, text in (("mail-password", PASSWORD), ("desk-secret", SECRET)):
        (folder / name).write_text(f"{text}\n")
        (folder / name).chmod(0o600)
    file = folder / "notify.yaml"
    file.write_text(
        f"after: {after}\npages: https://lab.example.org:8420/\n"
        f"mail: {{host: 127.0.0.1, port: {port}, ca: {ca}, user: {USER}, password_file: mail-password,\n"
        "  sender: autolab@example.org, to: [bench@example.org, duty@example.org]}\n"
        f"webhooks: {{desk: {{url: '{url}', secret_file: desk-secret, ca: {ca}}}}}\n"
    )
    return file
