"""A private folder of gpg's own: our key, the advisers' certificates, and one agent.

Rules kept here:

1. The folder is owner-only, nobody else's keyring or options are read, and no gpg of ours ever
   asks a network for a key.
2. Text goes to gpg through a pipe and never lies in a file: what gpg writes is sealed, owner-only.
3. Our private key is protected by a pass-phrase that goes through a pipe of its own. The agent
   that holds it is ended with us, and one left over by a crash is ended before we begin.
4. Keys are named by fingerprint, a subkey by its own with ``!``, and what came out is looked at
   before it is used: signed by us, AES-256 with integrity protection, for that one subkey.
5. What gpg says to people is not read, kept or logged.
"""

import asyncio
import contextlib
import logging
import os
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import gnupg

from connectors.pgpmail.gathered import Gathered
from connectors.pgpmail.listing import Certificate, read_listing
from connectors.pgpmail.packets import sealed_for
from connectors.port.errors import ConnectorError, Rejected, Unavailable, Unreadable

_OPTIONS = (
    *("--no-options", "--batch", "--no-tty", "--no-greeting", "--no-permission-warning"),
    *("--no-auto-key-locate", "--no-auto-key-retrieve", "--disable-dirmngr"),
    *("--no-auto-check-trustdb", "--trust-model", "always", "--no-emit-version", "--no-comments"),
    *("--lock-once", "--no-encrypt-to", "--no-throw-keyids", "--no-random-seed-file"),
)
"""Without a seed file each gpg draws all its randomness from the kernel: of two that meet at the
file one would wait for a quarter of a second, then longer."""
_SEALING = (
    *("--sign", "--encrypt", "--armor", "-z", "0", "--compress-algo", "none"),
    *("--cipher-algo", "AES256", "--digest-algo", "SHA256", "--set-filename", ""),
    *("--weak-digest", "SHA1"),  # not when listing: there the gate is to see it and name it
)
_LISTING = ("--with-colons", "--fixed-list-mode", "--check-sigs")
_LONGEST_SOCKET = len("/S.gpg-agent.browser")
_SOCKET_LIMIT = 107
_SECONDS = 60.0
_AGENT = "allow-loopback-pinentry\nno-allow-external-cache\ndisable-scdaemon\ns2k-count 1048576\n"
"""The count is paid at each signature: gpg's own choice costs a quarter of a second for a mail.
It is there to slow down guessing at what people think of; ours is random (``MailSecrets``)."""
_HEAD = 4096


@dataclass(frozen=True, slots=True)
class _Ran:
    code: int
    out: bytes
    status: str


class Home:
    """One gpg home, in ``folder``.

    Args:
        folder: made when it is not there.
        passphrase: of our private key.
        program: gpg.
    """

    def __init__(self, folder: Path, passphrase: str, program: str = "gpg") -> None:
        self.folder = folder
        self._passphrase = passphrase
        self._program = program
        self._gnupg: gnupg.GPG | None = None
        self._listed = Gathered(self._listing)

    def __repr__(self) -> str:
        return f"Home({str(self.folder)!r})"

    async def open(self) -> None:
        """Makes the folder and looks whether gpg is there. Raises: Rejected, Unavailable."""
        longest = len(os.fsencode(self.folder)) + _LONGEST_SOCKET
        if longest > _SOCKET_LIMIT:
            raise Rejected(
                "home_path_too_long",
                f"gpg's sockets take a path of {_SOCKET_LIMIT} characters and this one has "
                f"{longest}: set home to a shorter folder",
            )
        if shutil.which(self._program) is None:
            raise Unavailable("gpg_missing", "install gnupg")
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        (self.folder / "gpg-agent.conf").write_text(_AGENT, encoding="ascii")
        await self.end()
        logging.getLogger("gnupg").setLevel(logging.WARNING)  # below, it logs what it is given
        self._gnupg = await asyncio.to_thread(self._library)

    def _library(self) -> gnupg.GPG:
        home, options = str(self.folder), list(_OPTIONS)
        return gnupg.GPG(gpgbinary=self._program, gnupghome=home, options=options)

    async def end(self) -> None:
        """Ends the agent of this home, if there is one."""
        self._gnupg = None
        gpgconf = shutil.which("gpgconf")
        if gpgconf is None or not self.folder.is_dir():
            return
        process = await asyncio.create_subprocess_exec(
            *(gpgconf, "--homedir", str(self.folder), "--kill", "all"),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        await process.wait()

    # --- keys -----------------------------------------------------------------------------------

    async def certificates(self, fingerprints: Sequence[str]) -> list[Certificate]:
        """Certificates as they stand now, their signatures checked.

        Who asks while gpg lists for others waits for the next listing, which is for all who wait.

        Args:
            fingerprints: of primary keys that were imported.

        Raises:
            Unreadable: gpg did not list each of them once.
        """
        wanted = frozenset(fingerprints)
        if not wanted:
            return []
        found = await self._listed.ask(wanted)
        if len(found) < len(wanted):
            raise Unreadable("keys_unreadable", "gpg did not list the keys that were imported")
        return [found[each] for each in sorted(wanted)]

    async def _listing(self, wanted: frozenset[str]) -> dict[str, Certificate]:
        """What gpg lists of some keys, by fingerprint; what it lists twice is left out."""
        ran = await self._run(*_LISTING, *sorted(wanted))
        listed = read_listing(ran.out.decode("utf-8", "replace"))
        times = Counter(each.fingerprint for each in listed)
        found = {each.fingerprint: each for each in listed}
        return {each: found[each] for each in wanted if times[each] == 1}

    async def inspect(self, data: bytes) -> list[Certificate]:
        """The certificates in a file, without importing them.

        Raises:
            Rejected: it holds none, or private keys.
        """
        ran = await self._run("--with-colons", "--show-keys", stdin=data)
        text = ran.out.decode("utf-8", "replace")
        if any(line.startswith(("sec:", "ssb:")) for line in text.splitlines()):
            raise Rejected("private_key", "this is somebody's private key: ask for the public one")
        found = read_listing(text)
        if not found:
            raise Rejected("no_certificate", "this holds no OpenPGP certificate")
        return found

    async def take(self, data: bytes) -> None:
        """Imports certificates, self-signatures alone. Raises: Rejected."""
        options = ["--import-options", "import-minimal"]
        result = await asyncio.to_thread(self._open.import_keys, data, extra_args=options)
        if not result.fingerprints:
            raise Rejected("no_certificate", "gpg did not take the certificate")

    async def own_keys(self) -> list[Certificate]:
        """Our own certificates: those whose private part is here."""
        ran = await self._run("--with-colons", "--fixed-list-mode", "--list-secret-keys")
        return read_listing(ran.out.decode("utf-8", "replace"))

    async def make_own(self, name: str, address: str, years: int) -> str:
        """Makes our key: Ed25519 to sign, Curve25519 to be written to.

        Returns:
            Its fingerprint.
        """
        library = self._open
        wanted = library.gen_key_input(
            key_type="EDDSA",
            key_curve="ed25519",
            key_usage="sign,cert",
            subkey_type="ECDH",
            subkey_curve="cv25519",
            subkey_usage="encrypt",
            name_real=name,
            name_email=address,
            expire_date=f"{years}y",
            passphrase=self._passphrase,
        )
        made = await asyncio.to_thread(library.gen_key, wanted)
        if not made.fingerprint:
            raise Unavailable("key_not_made", "gpg did not make our key")
        return str(made.fingerprint)

    async def export(self, fingerprint: str) -> bytes:
        """A certificate in armour, to be handed to others."""
        ran = await self._run(
            "--armor", "--export-options", "export-minimal", "--export", fingerprint
        )
        return ran.out

    @property
    def _open(self) -> gnupg.GPG:
        if self._gnupg is None:
            raise Unavailable("not_open", "the channel is not open")
        return self._gnupg

    # --- sealing --------------------------------------------------------------------------------

    async def seal(
        self, pieces: AsyncIterator[bytes], signer: str, subkey: str, target: Path
    ) -> None:
        """Signs and encrypts a stream into a file.

        Args:
            pieces: what is sealed; an error in it ends gpg and is passed on.
            signer: fingerprint of our key.
            subkey: fingerprint of the one key to encrypt to.
            target: new file for the armoured result; removed when this fails.

        Raises:
            Rejected: gpg refused the key.
            Unavailable: gpg did not do as it was told.
        """
        done = False
        try:
            with _created(target) as out:
                args = (*_SEALING, "--local-user", signer, "--recipient", f"{subkey}!")
                ran = await self._stream(args, pieces, out)
            _check(ran)
            head = await asyncio.to_thread(_head_of, target)
            if sealed_for(head) != [subkey[-16:]]:
                raise Unavailable(
                    "sealed_otherwise", "gpg encrypted to another key than it was told"
                )
            done = True
        finally:
            if not done:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(target)  # noqa: PTH108 (at once, also while being cancelled)

    async def _stream(self, args: Sequence[str], pieces: AsyncIterator[bytes], out: int) -> _Ran:
        async with self._started(args, out) as (process, status):
            writer = process.stdin
            assert writer is not None  # noqa: S101 (it was asked for)
            try:
                async for piece in pieces:
                    writer.write(piece)
                    await writer.drain()
            except (BrokenPipeError, ConnectionResetError):
                pass  # gpg has ended; its status tells why
            finally:
                writer.close()
            return _Ran(await process.wait(), b"", _read_all(status))

    async def _run(self, *args: str, stdin: bytes = b"") -> _Ran:
        try:
            async with asyncio.timeout(_SECONDS), self._started(args, None) as (process, status):
                out, _ = await process.communicate(stdin)
                return _Ran(process.returncode or 0, out, _read_all(status))
        except TimeoutError:
            raise Unavailable("gpg_hangs", "gpg did not answer") from None

    @contextlib.asynccontextmanager
    async def _started(
        self, args: Sequence[str], out: int | None
    ) -> AsyncIterator[tuple[asyncio.subprocess.Process, int]]:
        """A gpg with a pipe for its status and one for the pass-phrase; ended at the end."""
        status_r, status_w = os.pipe()
        phrase_r, phrase_w = os.pipe()
        os.write(phrase_w, self._passphrase.encode() + b"\n")
        os.close(phrase_w)
        command = (
            *(self._program, "--homedir", str(self.folder), *_OPTIONS),
            *("--pinentry-mode", "loopback", "--passphrase-fd", str(phrase_r)),
            *("--status-fd", str(status_w), *args),
        )
        process = None
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE if out is None else out,
                stderr=asyncio.subprocess.DEVNULL,
                pass_fds=(status_w, phrase_r),
                env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8"},
            )
            os.close(status_w)
            status_w = -1
            yield process, status_r
        finally:
            for descriptor in (status_r, status_w, phrase_r):
                if descriptor >= 0:
                    os.close(descriptor)
            if process is not None and process.returncode is None:
                process.kill()
                await process.wait()


def _read_all(descriptor: int) -> str:
    """What gpg wrote as status, once it has ended."""
    pieces = []
    while piece := os.read(descriptor, 65_536):
        pieces.append(piece)
    return b"".join(pieces).decode("utf-8", "replace")


@contextlib.contextmanager
def _created(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _head_of(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_HEAD)


def _check(ran: _Ran) -> None:
    """Raises unless gpg signed and encrypted as it was told."""
    told = [line.removeprefix("[GNUPG:] ").split() for line in ran.status.splitlines()]
    words = {each[0]: each for each in told if each}
    error: ConnectorError | None = None
    if "INV_RECP" in words:
        error = Rejected("key_refused_by_gpg", "gpg refuses the adviser's key, which we accepted")
    elif "INV_SGNR" in words or "SIG_CREATED" not in words:
        error = Unavailable("not_signed", "our private key does not sign: look at the pass-phrase")
    elif ran.code != 0 or "END_ENCRYPTION" not in words:
        error = Unavailable("not_sealed", "gpg did not finish")
    elif words.get("BEGIN_ENCRYPTION", [])[1:] != ["2", "9"]:
        error = Unavailable("sealed_weakly", "gpg took another cipher than AES-256 with integrity")
    if error is not None:
        raise error
