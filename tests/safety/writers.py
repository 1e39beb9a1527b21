"""Clients that are not ours, each for a process of its own: ``python -m tests.safety.writers NAME ARGUMENTS``.

They speak the bare protocol and import nothing of Autolab.
"""

from __future__ import annotations

import json
import os
import select
import sys
from typing import Any


def channel_access(puts: list[list[Any]], reads: list[str]) -> list[list[float]]:
    """Put each value with caproto, which checks nothing; after each read what the instrument says of itself."""
    from caproto.threading.client import Context

    context = Context()
    names = {name for name, _ in puts} | set(reads)
    pvs = dict(zip(names, context.get_pvs(*names, timeout=10), strict=True))
    for pv in pvs.values():
        pv.wait_for_connection(timeout=10)
    answers = []
    for name, value in puts:
        pvs[name].write([value], wait=False, data_type=None)
        answers.append([float(pvs[read].read(timeout=10).data[0]) for read in reads])
    context.disconnect()
    return answers


def serial_line(path: str, lines: list[str]) -> list[str]:
    """Type each line into the port, and take what comes back."""
    port = os.open(path, os.O_RDWR | os.O_NOCTTY)
    answers = []
    for line in lines:
        os.write(port, line.encode("latin-1") + b"\r\n")
        answer = b""
        while not answer.endswith(b"\n") and select.select([port], [], [], 1.0)[0]:
            answer += os.read(port, 4096)
        answers.append(answer.decode("latin-1").strip())
    os.close(port)
    return answers


def zeromq(endpoint: str, requests: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Send each request with the epoch and time that the instrument itself gives."""
    import zmq

    with zmq.Context() as context, context.socket(zmq.DEALER) as socket:
        socket.setsockopt(zmq.LINGER, 0)
        socket.connect(endpoint)

        def ask(request: dict[str, Any]) -> dict[str, Any]:
            socket.send(json.dumps(request).encode())
            while True:
                if not socket.poll(5000):
                    return {}
                reply = json.loads(socket.recv())
                if reply["id"] in (request["id"], ""):
                    return reply

        answers = []
        for number, request in enumerate(requests):
            hello = ask({"id": f"h{number}", "op": "hello", "args": {}})
            answers.append(ask({**request, "epoch": hello["epoch"], "not_after": hello["clock"] + 1.0}))
        return answers


WRITERS = {"channel_access": channel_access, "serial_line": serial_line, "zeromq": zeromq}

if __name__ == "__main__":
    json.dump(WRITERS[sys.argv[1]](*json.loads(sys.argv[2])), sys.stdout)
