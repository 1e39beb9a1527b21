"""The command ``serve``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from autolab.cli.options import DataFolder
from autolab.core.errors import InputError

__all__ = ["serve"]


def serve(
    lab: Annotated[Path, typer.Argument(metavar="LAB", help="The lab file; campaign files lie beside it.")],
    host: Annotated[str, typer.Option("--host", metavar="ADDRESS", help="Where to listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", metavar="N", min=1, max=65535, help="Port to listen on.")] = 8420,
    certificate: Annotated[
        Path | None, typer.Option("--tls-certificate", metavar="FILE", help="Certificate in PEM, to speak TLS.")
    ] = None,
    key: Annotated[
        Path | None, typer.Option("--tls-key", metavar="FILE", help="Private key of the certificate, in PEM.")
    ] = None,
    behind_proxy: Annotated[
        str | None,
        typer.Option(
            "--behind-proxy",
            metavar="ADDRESS",
            help="A proxy there speaks TLS: listen without it also to other machines, and believe its X-Forwarded-For.",
        ),
    ] = None,
    simulate: Annotated[bool, typer.Option("--simulate", help="Campaigns are started on simulators only.")] = False,
    notify: Annotated[
        Path | None, typer.Option("--notify", metavar="FILE", help="Who is told what waits: e-mail and webhooks.")
    ] = None,
    data: DataFolder = Path("autolab-data"),
) -> None:
    """Serve the dashboard and the HTTP API of a lab, until Ctrl-C. Campaigns go on without it."""
    from autolab.cli.output import tell
    from autolab.compose.logs import log_to
    from autolab.server.serving import serve as serve_lab
    from autolab.server.settings import Settings

    if (certificate is None) != (key is None):
        raise InputError("--tls-certificate and --tls-key go together: name both, or neither")
    settings = Settings(lab, data, host, port, certificate, key, simulate, notify, behind_proxy)
    with log_to(data):
        serve_lab(settings, tell)
