"""What a test opens stays on this machine."""

import socket

import pytest

# Addresses kept for documentation (RFC 5737, RFC 3849): nobody answers there.
ELSEWHERE = [(socket.AF_INET, ("192.0.2.1", 9)), (socket.AF_INET6, ("2001:db8::1", 9, 0, 0))]


@pytest.mark.parametrize(("family", "address"), ELSEWHERE)
def test_a_connection_elsewhere_is_refused(family: int, address: tuple[object, ...]) -> None:
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        with pytest.raises(RuntimeError, match="loopback only"):
            probe.connect(address)
        with pytest.raises(RuntimeError, match="loopback only"):
            probe.sendto(b"x", address)


def test_a_connection_to_this_machine_is_made() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        near = socket.create_connection(server.getsockname(), timeout=5)
        far, address = server.accept()
        with near, far:
            assert near.getsockname() == address
