"""Whether a port of this machine listens for more than this machine.

Rule kept here: it is read from the kernel's own tables and nothing is connected to. What another
machine's firewall keeps out is not asked: a server without a password listens on loopback or not
at all.

Source: proc_net_tcp of the Linux kernel's documentation: addresses in hexadecimal, each word in the
machine's byte order, state 0A listens.
"""

import sys
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
_LISTENS = "0A"
_WORD = 4


def listens_beyond(port: int, tables: tuple[Path, ...] = TABLES) -> bool | None:
    """Whether something listens on ``port`` of an address that others can reach.

    Returns:
        None where nothing listens there, or the tables cannot be read.
    """
    try:
        found = [a for t in tables if t.exists() for a in listening(t.read_text("ascii"), port)]
    except (OSError, ValueError):
        return None
    return any(not _loopback(address) for address in found) if found else None


def listening(table: str, port: int) -> Iterator[IPv4Address | IPv6Address]:
    """The addresses that listen on a port. Raises: ValueError: this is no such table."""
    for line in table.splitlines()[1:]:
        _, local, _, state, *_ = line.split()
        address, _, number = local.partition(":")
        if state == _LISTENS and int(number, 16) == port:
            yield _address(bytes.fromhex(address))


def _address(raw: bytes) -> IPv4Address | IPv6Address:
    words = [raw[at : at + _WORD] for at in range(0, len(raw), _WORD)]
    return ip_address(b"".join(w[::-1] if sys.byteorder == "little" else w for w in words))


def _loopback(address: IPv4Address | IPv6Address) -> bool:
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (mapped or address).is_loopback
