"""Serving one lab: the socket, TLS, the first administrator's link, and an end that waits for nobody."""

from __future__ import annotations

import ctypes
import importlib
import logging
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import uvicorn

from autolab.core.clock import Clock, real_clock
from autolab.core.errors import InputError
from autolab.server.app import make_app
from autolab.server.doors import is_address
from autolab.server.passwords import Passwords
from autolab.server.rendering import compile_templates
from autolab.server.settings import Context, Settings

__all__ = ["serve", "serving"]

END_REAL_S = 3
LOOPBACK = ("127.0.0.1", "::1", "localhost")
_LATE = ("autolab.compose.supplyview", "facility_review.document", "facility_review.page", "facility_review.stating")
"""What is imported by the page that needs it, so that tests and commands do without."""
_MALLOC = {-8: 2, -3: 65_536, -1: 131_072}
"""Of glibc's malloc.h: most heaps (``M_ARENA_MAX``), and from how many bytes on a block is given back to the system by
itself (``M_MMAP_THRESHOLD``) or from the end of a heap (``M_TRIM_THRESHOLD``)."""


def serve(settings: Settings, tell: Callable[[str], None]) -> None:
    """Serve until the process is told to end.

    Args:
        settings: How.
        tell: Says to the person what to do first.

    Raises:
        InputError: the lab file is refused, the port is taken, or passwords would cross a network in the clear.
        StorageError: no room or no right to write.
    """
    if settings.host not in LOOPBACK and not settings.is_secure and settings.proxy is None:
        raise InputError(
            f"--host {settings.host}: passwords would cross the network in the clear: name --tls-certificate and "
            "--tls-key, or, where a proxy on this machine speaks TLS, leave --host out; --behind-proxy ADDRESS says "
            "that another machine's proxy does"
        )
    if settings.proxy is not None and not is_address(settings.proxy):
        raise InputError(
            f"--behind-proxy {settings.proxy}: write the address from which it connects, such as 127.0.0.1"
        )
    with listening(settings) as place, opened(settings, real_clock()) as context:
        server = _server(context)
        _give_memory_back()
        threading.Thread(target=_make_ready, name="autolab-ready", daemon=True).start()
        tell(f"{context.lab().name}: serving at {context.settings.address} (Ctrl-C ends it; campaigns go on)")
        if context.accounts.needs_administrator():
            link = f"{context.settings.address}/welcome?token={context.accounts.first_link()}"
            tell(f"Nobody has an account yet. Within a day, the first administrator opens:\n{link}")
        server.run([place])


def _give_memory_back() -> None:
    """Hold the C library to few heaps and fixed bounds: else what forty threads free stays with it for days."""
    library = ctypes.CDLL(None)
    if hasattr(library, "mallopt"):  # of glibc
        for option, value in _MALLOC.items():
            library.mallopt(option, value)


def _make_ready() -> None:
    """Import and read what pages need, beside the server: else the first who looks waits for it."""
    from facility_review.instrument import load_instrument

    for name in _LATE:
        importlib.import_module(name)
    load_instrument()
    compile_templates()


@contextmanager
def serving(settings: Settings, passwords: Passwords | None = None) -> Iterator[tuple[str, Context]]:
    """Serve in this process, on a thread, until the block ends. Port 0 takes a free one. Gives the address."""
    with listening(settings) as place:
        taken = replace(settings, port=place.getsockname()[1])
        with opened(taken, real_clock(), passwords) as context:
            server = _server(context)
            thread = threading.Thread(target=server.run, args=([place],), name="autolab-server")
            thread.start()
            clock = real_clock()
            while not server.started and thread.is_alive():
                clock.sleep(0.01)
            try:
                yield taken.address, context
            finally:
                context.feed.close()
                server.should_exit = True
                thread.join()


@contextmanager
def opened(settings: Settings, clock: Clock, passwords: Passwords | None = None) -> Iterator[Context]:
    """What all doors share, until the block ends."""
    context = Context.open(settings, clock, passwords)
    try:
        if context.notifier is not None:
            context.notifier.start()
        yield context
    finally:
        context.close()


@contextmanager
def listening(settings: Settings) -> Iterator[socket.socket]:
    """The one socket that the server listens on.

    Raises:
        InputError: it is taken, or no address of this machine.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as place:
        try:
            place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            place.bind((settings.host, settings.port))
            place.listen(256)
        except OSError as error:
            raise InputError(
                f"--host {settings.host} --port {settings.port}: {error.strerror}: name another port with --port"
            ) from None
        yield place


class _Server(uvicorn.Server):
    """Ends its streams first: one that stays open would keep it from ending."""

    context: Context

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let go."""
        self.context.feed.close()
        await super().shutdown(sockets)


def _server(context: Context) -> _Server:
    settings = context.settings
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    config = uvicorn.Config(
        make_app(context),
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        http="h11",
        ws="none",
        lifespan="off",
        timeout_keep_alive=15,
        timeout_graceful_shutdown=END_REAL_S,
        ssl_certfile=settings.certificate,
        ssl_keyfile=settings.key,
    )
    server = _Server(config)
    server.context = context
    return server
