"""What the loop answers without a thread is what libc answers: addresses and ports from outside are any text at all."""

import asyncio
import ipaddress
import os
import socket
import threading

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

SLOW = os.environ.get("TEPAL_SLOW") == "1"

ipv4 = st.ip_addresses(v=4).map(str)
ipv6 = st.one_of(
    st.ip_addresses(v=6).map(str),
    st.ip_addresses(v=6).map(lambda address: address.exploded),
    st.ip_addresses(v=4).map(lambda address: f"::ffff:{address}"),
    st.ip_addresses(v=6, network=ipaddress.ip_network("fe80::/64")).map(lambda address: f"{address}%lo"),
)
# Close to an address and yet none, or one in a notation of its own.
near = st.text(alphabet="0123456789abcdefx.:%[]/- ", max_size=30)
hosts = st.one_of(ipv4, ipv6, near, st.text(max_size=12), st.none())
hosts = st.one_of(hosts, hosts.map(lambda host: None if host is None else host.encode(errors="replace")))
ports = st.one_of(
    st.none(),
    st.integers(-2, 70_000),
    st.integers(0, 65_535).map(str),
    st.integers(0, 65_535).map(lambda port: str(port).encode()),
    st.text(alphabet="0123456789 +-_x٣", max_size=7),
)
families = st.sampled_from((socket.AF_UNSPEC, socket.AF_INET, socket.AF_INET6))
types = st.sampled_from((0, socket.SOCK_STREAM, socket.SOCK_DGRAM))
flags = st.sampled_from((0, socket.AI_PASSIVE, socket.AI_NUMERICSERV, socket.AI_CANONNAME, socket.AI_ADDRCONFIG))


def answer(call):
    """The value of a call, or its error."""
    try:
        return call()
    except Exception as error:
        return type(error), error.args


@pytest.mark.timeout(600 if SLOW else 60)
def test_literals_are_read_as_libc_reads_them(loop, library, monkeypatch):
    """With AI_NUMERICHOST libc asks nobody either, so any text may be put to both."""

    @settings(
        max_examples=(20_000 if SLOW else 400) if library.is_tepal else 50,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(hosts, ports, families, types, flags)
    @example("1.2.3.4", "٣", 0, 0, 0)
    @example("fe80::1%nowhere", 80, 0, 0, 0)
    @example("::1%", 80, 0, 0, 0)
    @example(b"\xff", 80, 0, 0, 0)
    @example("127.0.0.1\0.example.org", 80, 0, 0, 0)
    def check(host, port, family, kind, flags):
        flags |= socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
        expected = answer(lambda: socket.getaddrinfo(host, port, family, kind, 0, flags))
        asked = loop.getaddrinfo(host, port, family=family, type=kind, flags=flags)
        assert answer(lambda: loop.run_until_complete(asked)) == expected

    check()


@pytest.mark.parametrize("library", ["tepal"], indirect=True)
def test_what_is_answered_at_once_needed_no_lookup(library):
    """Whatever is put to libc in the loop's own thread is numeric for libc as well: it cannot wait there."""
    from tepal.resolving import needs_no_lookup

    @settings(max_examples=2000 if SLOW else 300, deadline=None, database=None)
    @given(hosts, ports, families, types)
    def check(host, port, family, kind):
        if not needs_no_lookup(host, port) or (host is None and port is None):
            return
        numeric = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
        try:
            socket.getaddrinfo(host, port, family, kind, 0, numeric)
        except socket.gaierror as error:
            # An address of the other family is none here; that too is said without asking.
            assert error.errno in (socket.EAI_ADDRFAMILY, socket.EAI_FAMILY), (host, port, error)

    check()


def test_no_thread_for_a_literal(loop, library):
    before = threading.active_count()
    loop.run_until_complete(asyncio.wait_for(loop.getaddrinfo("127.0.0.1", 80), 5))
    if library.is_tepal:
        assert threading.active_count() == before
