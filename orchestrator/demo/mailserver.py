"""Postfix and Dovecot on loopback, in a folder of their own, for the demo and the tests.

Rules kept here:

1. They listen on 127.0.0.1 only, demand TLS and a password, deliver to the users they were given
   and send no mail to any other machine.
2. Their configuration, queue, mailboxes and keys lie in one short folder; nothing of the machine's
   own mail is read or changed.
3. They are ended by the process ids that they wrote, and only when those are theirs.
4. They need root on Debian (they change to other users); elsewhere ``NoMailServer`` says so.
"""

import contextlib
import grp
import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from orchestrator.demo.loopback import certify, free_port

NAME = "mail.deal.test"
_OWNER = "vmail"
_START_SECONDS = 30.0
_STOP_SECONDS = 15.0
_SECOND_TRY = 0.05
_PACKAGES = "postfix dovecot-imapd"
_LONGEST_FOLDER = 60
"""Postfix's and Dovecot's sockets lie in the folder, and a socket's path has 107 characters."""

_MAIN = """\
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/state
maillog_file = {folder}/postfix.log
maillog_file_prefixes = /
myhostname = mail.deal.test
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
alias_maps =
local_recipient_maps =
biff = no
recipient_delimiter = +
default_transport = error:no mail leaves this machine
default_destination_concurrency_limit = 1
initial_destination_concurrency = 1
virtual_mailbox_domains = {domains}
virtual_mailbox_base = {folder}/box
virtual_mailbox_maps = {boxes}
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
virtual_mailbox_limit = 0
message_size_limit = {most}
smtpd_tls_cert_file = {folder}/crt
smtpd_tls_key_file = {folder}/key
smtpd_tls_security_level = encrypt
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = {folder}/dc/auth
smtpd_client_restrictions = permit_sasl_authenticated, reject
smtpd_recipient_restrictions = reject_unlisted_recipient, permit_sasl_authenticated, reject
smtpd_sender_login_maps = {owners}
smtpd_sender_restrictions = reject_sender_login_mismatch
"""
_MASTER = """\
127.0.0.1:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
"""
_DOVECOT = """\
base_dir = {folder}/dc/run
log_path = {folder}/dc/log
instance_name = wallcross
protocols = imap
listen = 127.0.0.1
mail_location = maildir:{folder}/box/%d/%n
first_valid_uid = 100
passdb {{
  driver = passwd-file
  args = username_format=%u {folder}/dc/users
}}
userdb {{
  driver = static
  args = uid={owner} gid={owner} home={folder}/box/%d/%n
}}
ssl = required
ssl_cert = <{folder}/crt
ssl_key = <{folder}/key
service imap-login {{
  inet_listener imap {{
    port = 0
  }}
  inet_listener imaps {{
    port = {port}
    ssl = yes
  }}
}}
service auth {{
  unix_listener {folder}/dc/auth {{
    mode = 0660
    user = postfix
    group = postfix
  }}
}}
"""


class NoMailServer(RuntimeError):
    """Postfix and Dovecot cannot be run here, or did not start."""


def cannot() -> str | None:
    """Why they cannot be run here; None when they can."""
    if os.geteuid() != 0 or not Path("/etc/debian_version").exists():
        return "Postfix and Dovecot are run by root on Debian only"
    if shutil.which("postfix") is None or shutil.which("dovecot") is None:
        return f"no Postfix or no Dovecot: run `make env`, or apt-get install {_PACKAGES}"
    return None


@dataclass
class MailServer:
    """One Postfix and one Dovecot.

    Args:
        folder: short, empty or not there; holds all that is theirs.
        users: mail address -> password; each may sign in, send as himself and be written to.
        most: largest mail in bytes.
    """

    folder: Path
    users: Mapping[str, str] = field(repr=False)
    most: int = 200 * 1024 * 1024
    submission: int = 0
    imaps: int = 0

    @property
    def ca_file(self) -> Path:
        """Their certificate, which is to be trusted by whoever connects."""
        return self.folder / "crt"

    def mailbox(self, address: str) -> Path:
        """The Maildir of a user."""
        local, _, domain = address.partition("@")
        return self.folder / "box" / domain / local

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Starts both and waits until they answer. Raises: NoMailServer."""
        why = cannot()
        if why is None and len(str(self.folder)) > _LONGEST_FOLDER:
            why = f"{self.folder} is too long a path for their sockets"
        if why is not None:
            raise NoMailServer(why)
        self.submission = self.submission or free_port()
        self.imaps = self.imaps or free_port()
        self._configure()
        try:
            self._run("dovecot", "-c", str(self.folder / "dc" / "dovecot.conf"))
            self._run("postfix", "-c", str(self.folder / "pf"), "start")
            for port in (self.submission, self.imaps):
                _wait_for(port)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Ends both, by force when they take too long."""
        for name, program in (
            ("queue/pid/master.pid", "master"),
            ("dc/run/master.pid", "dovecot"),
        ):
            _end(self.folder / name, program)

    def cut(self) -> int:
        """Ends every IMAP session, as a network may; how many there were."""
        master = _living(self.folder / "dc" / "run" / "master.pid", "dovecot")
        sessions = [] if master is None else _children(master, "imap")
        for pid in sessions:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return len(sessions)

    def settle(self, seconds: float = 20.0) -> None:
        """Waits until all that was taken is delivered or given back.

        Raises:
            NoMailServer: it takes longer; only Postfix's log says why.
        """
        until = time.monotonic() + seconds
        while self.waiting():
            if time.monotonic() > until:
                raise NoMailServer(f"mail is stuck, see {self.folder / 'postfix.log'}")
            time.sleep(_SECOND_TRY)

    def waiting(self) -> int:
        """How many mails are in the queue."""
        queues = ("maildrop", "incoming", "active", "deferred")
        return sum(_files(self.folder / "queue" / name) for name in queues)

    # --- configuration --------------------------------------------------------------------------

    def _configure(self) -> None:
        owner = _owner()
        for name in ("pf", "queue", "state", "dc/run", "box"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        os.chown(self.folder / "box", owner.pw_uid, owner.pw_gid)
        os.chown(self.folder / "state", pwd.getpwnam("postfix").pw_uid, -1)
        certify(self.folder / "crt", self.folder / "key", NAME, "localhost")
        values = self._values(owner)
        files = {
            "pf/main.cf": _MAIN.format(**values),
            "pf/master.cf": _MASTER.format(port=self.submission),
            "dc/dovecot.conf": _DOVECOT.format(
                folder=self.folder, port=self.imaps, owner=owner.pw_name
            ),
            "dc/users": "".join(f"{u}:{{PLAIN}}{word}\n" for u, word in self.users.items()),
        }
        for name, text in files.items():
            (self.folder / name).write_text(text, encoding="utf-8")
        for path in (self.folder, *self.folder.rglob("*")):  # whatever umask made them
            path.chmod(0o755 if path.is_dir() else 0o644)
        (self.folder / "key").chmod(0o600)
        dovecot = grp.getgrnam("dovecot").gr_gid
        os.chown(self.folder / "dc" / "users", 0, dovecot)
        (self.folder / "dc" / "users").chmod(0o640)

    def _values(self, owner: pwd.struct_passwd) -> dict[str, object]:
        boxes = {user: f"{user.partition('@')[2]}/{user.partition('@')[0]}/" for user in self.users}
        return {
            "folder": self.folder,
            "domains": ", ".join(sorted({user.partition("@")[2] for user in self.users})),
            "boxes": _inline(boxes),
            "owners": _inline({user: user for user in self.users}),
            "uid": owner.pw_uid,
            "gid": owner.pw_gid,
            "most": self.most,
        }

    def _run(self, *command: str) -> None:
        """Starts a daemon. Never through a pipe: what it starts would hold the pipe open."""
        with (self.folder / f"{command[0]}.out").open("wb") as out:
            done = subprocess.run(  # noqa: S603 (our own command line)
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, check=False, umask=0o022
            )
        if done.returncode != 0:
            raise NoMailServer(f"{command[0]} did not start, see {self.folder}/{command[0]}.out")


def _inline(pairs: Mapping[str, str]) -> str:
    """A table inside Postfix's configuration."""
    return "inline:{ " + " ".join(f"{{ {key}={value} }}" for key, value in pairs.items()) + " }"


def _owner() -> pwd.struct_passwd:
    """The user that mailboxes belong to; made when there is none."""
    with contextlib.suppress(KeyError):
        return pwd.getpwnam(_OWNER)
    command = ("useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", _OWNER)
    subprocess.run(command, check=True)  # noqa: S603 (a fixed command line)
    return pwd.getpwnam(_OWNER)


def _wait_for(port: int) -> None:
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1.0):
            return
        time.sleep(_SECOND_TRY)
    raise NoMailServer(f"nothing answers at port {port}")


def _files(folder: Path) -> int:
    return sum(len(files) for _, _, files in os.walk(folder))


def _end(pid_file: Path, program: str) -> None:
    """Ends the process that wrote the file, if it is still that program."""
    pid = _living(pid_file, program)
    if pid is None:
        return
    os.kill(pid, signal.SIGTERM)
    until = time.monotonic() + _STOP_SECONDS
    while _living(pid_file, program) == pid and Path(f"/proc/{pid}").exists():
        if time.monotonic() > until:
            os.kill(pid, signal.SIGKILL)
        time.sleep(_SECOND_TRY)


def _children(parent: int, program: str) -> list[int]:
    """Process ids of a process's children that run this program."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError):
            name, _, rest = stat.read_text(encoding="ascii").partition("(")[2].rpartition(")")
            if (name, int(rest.split()[1])) == (program, parent):
                found.append(int(stat.parent.name))
    return found


def _living(pid_file: Path, program: str) -> int | None:
    with contextlib.suppress(OSError, ValueError):
        pid = int(pid_file.read_text(encoding="ascii"))
        if Path(f"/proc/{pid}/comm").read_text(encoding="ascii").strip() == program:
            return pid
    return None
