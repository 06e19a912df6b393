"""What a server needs that is started on this machine for a while: a port, and a certificate.

Rule kept here: the certificate is its own, and is over within weeks; its key is its owner's alone.
"""

import socket
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from orchestrator.clock import SECOND, now

HERE = "127.0.0.1"


def free_port() -> int:
    """A port of this machine that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind((HERE, 0))
        return int(probe.getsockname()[1])


def certify(certificate: Path, key_file: Path, name: str, *further: str) -> None:
    """Writes a certificate of its own for this machine, for a month.

    Args:
        certificate: where it is put, as PEM.
        key_file: where its key is put, as PEM.
        name: whose it is; its first name.
        further: names that it is good for too, beside this machine's address.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    whose = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    today = datetime.fromtimestamp(now() // SECOND, UTC)
    names: Iterable[x509.GeneralName] = (
        *(x509.DNSName(one) for one in (name, *further)),
        x509.IPAddress(ip_address(HERE)),
    )
    made = (
        x509.CertificateBuilder()
        .subject_name(whose)
        .issuer_name(whose)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_file.touch(mode=0o600)
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
