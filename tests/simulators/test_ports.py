"""Ports for servers that start a moment later."""

from __future__ import annotations

import socket

import pytest

import simulators.ports
from simulators.ports import LOOPBACK, free_ports


def test_the_ports_are_different_ones_at_which_a_server_can_listen_and_none_that_clients_are_given():
    ports = free_ports(20)
    assert len(set(ports)) == 20
    with socket.create_server((LOOPBACK, 0)) as server, socket.create_connection(server.getsockname()) as client:
        assert max(ports) < client.getsockname()[1]
    for port in ports:
        with socket.create_server((LOOPBACK, port)), socket.socket(type=socket.SOCK_DGRAM) as udp:
            udp.bind((LOOPBACK, port))


def test_a_port_in_use_is_not_given(monkeypatch: pytest.MonkeyPatch):
    taken, free = free_ports(2)
    drawn = iter([taken, taken, free])
    monkeypatch.setattr(simulators.ports.secrets, "randbelow", lambda _: next(drawn) - simulators.ports.LOWEST)
    with socket.create_server((LOOPBACK, taken)):
        assert free_ports(1) == (free,)


def test_where_nothing_is_free_that_is_said(monkeypatch: pytest.MonkeyPatch):
    (taken,) = free_ports(1)
    monkeypatch.setattr(simulators.ports.secrets, "randbelow", lambda _: taken - simulators.ports.LOWEST)
    with socket.create_server((LOOPBACK, taken)), pytest.raises(OSError, match=r"no port from 10000 to .* is free"):
        free_ports(1)
