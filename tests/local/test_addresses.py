"""Ports of a stack: free ones the first time, then the same; given ones are checked."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from gogobe.local.addresses import StackPorts
from gogobe.local.processes import StackError, free_ports


def test_ports_are_kept(tmp_path: Path):
    file = tmp_path / "var" / "ports.json"
    first = StackPorts.kept_in(file)
    assert StackPorts.kept_in(file) == first
    (kafka,) = free_ports(1)
    other = StackPorts.kept_in(file, kafka=kafka)
    assert other.kafka == kafka
    assert (other.postgres, other.flink) == (first.postgres, first.flink)
    assert StackPorts.kept_in(file).kafka == kafka


def test_a_kept_port_that_another_program_has_is_replaced(tmp_path: Path):
    file = tmp_path / "ports.json"
    first = StackPorts.kept_in(file)
    with socket.create_server(("127.0.0.1", first.worker_pool)):
        second = StackPorts.kept_in(file)
    assert second.worker_pool != first.worker_pool
    assert second.kafka == first.kafka


def test_a_file_cut_short_is_none(tmp_path: Path):
    file = tmp_path / "ports.json"
    file.write_text('{"kafka": 1')
    assert StackPorts.kept_in(file) == StackPorts.kept_in(file)


@pytest.mark.parametrize("port", [0, -1, 65536, 99999])
def test_a_port_out_of_range_is_refused(tmp_path: Path, port: int):
    with pytest.raises(StackError, match=rf"--kafka-port {port}: a port is a number from 1 to 65535"):
        StackPorts.kept_in(tmp_path / "ports.json", kafka=port)


def test_a_given_port_that_is_in_use_is_refused(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(StackError, match=rf"--postgres-port {port}: another program has this port"):
            StackPorts.kept_in(tmp_path / "ports.json", postgres=port)


def test_ports_of_outgoing_connections_are_not_chosen():
    low, _ = map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
    assert max(free_ports(30)) < low or low <= 20_000
