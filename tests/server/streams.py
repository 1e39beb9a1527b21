"""An open event stream, as a page or a program has it."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from urllib.parse import urlsplit

from tests.server.house import Client


class Stream:
    """An open event stream, read on a thread."""

    def __init__(self, client: Client, query: str = "", **headers: str) -> None:
        self.connection = http.client.HTTPConnection(urlsplit(client.address).netloc, timeout=30)
        self.connection.request(
            "GET", f"/api/v1/events{query}", headers={"Cookie": f"autolab_session={client.cookie}", **headers}
        )
        self.socket = self.connection.sock
        self.answer = self.connection.getresponse()
        self.events: list[tuple[int, str, dict[str, object]]] = []
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self) -> None:
        frame: dict[str, str] = {}
        try:
            for raw in self.answer:
                name, _, value = raw.decode().rstrip("\n").partition(": ")
                if name:
                    frame[name] = value
                elif "id" in frame:
                    self.events.append((int(frame["id"]), frame["event"], json.loads(frame["data"])))
                    frame = {}
        except (OSError, ValueError, AttributeError):  # it was closed here
            return

    def close(self) -> None:
        self.socket.shutdown(socket.SHUT_RDWR)
        self.thread.join(10)
        self.answer.close()
        self.connection.close()
