"""The command: ``python verify_audit.py EXPORT [--anchor FILE …]``.

Exit code 0: everything that was checked holds. 1: it does not, or files could not be read.
"""

import argparse
import contextlib
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO

from cryptography import x509

from orchestrator.audit.offline.check import verify
from orchestrator.audit.offline.pack import MANIFEST, check_pack
from orchestrator.audit.offline.receipts import read_outside
from orchestrator.audit.offline.report import Report, Trust, words
from orchestrator.audit.offline.values import Unreadable


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Checks an audit export. Everything that you kept outside the host makes the "
        "check stronger: without any of it, a host that rewrote everything and signed it again "
        "cannot be told from an honest one.",
    )
    parser.add_argument(
        "export",
        type=Path,
        help="the export or the pack of evidence: its folder, or the file audit.jsonl",
    )
    parser.add_argument(
        "--anchor", type=Path, action="append", default=[], metavar="FILE",
        help="kept outside the host: an anchor's file or folder, a mail, a timestamp response, "
        "an earlier export; may be given several times",
    )  # fmt: skip
    parser.add_argument(
        "--host-key", action="append", default=[], metavar="HEX", help="the host's public key"
    )
    parser.add_argument(
        "--witness-key", action="append", default=[], metavar="HEX",
        help="public key of a witness that you trust",
    )  # fmt: skip
    parser.add_argument(
        "--authority", type=Path, action="append", default=[], metavar="PEM",
        help="certificate of a timestamp authority that you trust",
    )  # fmt: skip
    parser.add_argument(
        "--living", action="store_true",
        help="the file is a home's chain as it stands: not sealed, and it may go on",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print the report as one JSON object")
    return parser.parse_args(argv)


def _trusted(options: argparse.Namespace) -> Trust:
    authorities = [
        one
        for file in options.authority
        for one in x509.load_pem_x509_certificates(file.read_bytes())
    ]
    return Trust(
        set(map(bytes.fromhex, options.host_key)),
        set(map(bytes.fromhex, options.witness_key)),
        authorities,
    )


def _run(options: argparse.Namespace) -> Report:
    trust = _trusted(options)
    outside = [item for path in options.anchor for item in read_outside(path, trust)]
    export = options.export / "audit.jsonl" if options.export.is_dir() else options.export
    with export.open("rb") as lines:
        sealed = not options.living
        report = verify(_lines(lines), trust=trust, outside=outside, sealed=sealed)
    if options.export.is_dir() and (options.export / MANIFEST).exists():
        check_pack(options.export, report)
    return report


def _lines(file: BinaryIO) -> Iterator[bytes]:
    yield from file


def main(argv: list[str] | None = None) -> int:
    """Checks an export and says what came out; returns the exit code."""
    options = _arguments(argv)
    try:
        report = _run(options)
    except (OSError, ValueError, KeyError, TypeError, Unreadable) as error:
        report = Report()
        report.problem("unreadable", "the files", f"They could not be read: {error}.")
    text = json.dumps(asdict(report), indent=2) if options.json else "\n".join(words(report))
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.write(text + "\n")
    return 0 if report.ok else 1


if __name__ == "__main__":
    raise SystemExit(main())
