"""Has `ssh-keygen` sign a statement with a person's own key, on the machine where that key is.

Rules kept here:

1. The program gets the statement on stdin and a path, never a passphrase: it asks for that itself,
   on the terminal. Nothing is staged on disk.
2. The namespace is fixed; anybody can check what is signed here with `ssh-keygen -Y verify`.
"""

import shutil
import subprocess
from pathlib import Path

from orchestrator.approvals.plan import NAMESPACE
from orchestrator.client.problems import Missing, Refused, Unready, Wrong

STILL = "Nothing was signed"


def ssh_sign(key: Path, statement: str) -> str:
    """The armoured signature of a statement.

    Args:
        key: a private key; or a `.pub` file, where an agent or a token holds the private half.
        statement: the exact text.

    Raises:
        Missing: there is no such file.
        Unready: OpenSSH is not installed here.
        Refused: ssh-keygen did not sign.
    """
    program = shutil.which("ssh-keygen")
    if program is None:
        then = "install OpenSSH, or sign elsewhere: wallcross approve show ID --to FILE"
        raise Unready("There is no ssh-keygen on this machine", still=STILL, then=then)
    if not key.is_file():
        raise Missing(f"There is no key {key}", still=STILL)
    line = [program, "-q", "-Y", "sign", "-f", str(key), "-n", NAMESPACE]
    done = subprocess.run(  # noqa: S603 - no shell; the program was found, the path is a file
        line, input=statement.encode(), stdout=subprocess.PIPE, check=False
    )
    if done.returncode != 0:
        raise Refused("ssh-keygen did not sign", still=STILL, then=f"ssh-keygen -y -f {key}")
    return done.stdout.decode("ascii", errors="replace")


def ascii_of(file: Path, what: str, still: str) -> str:
    """What somebody made elsewhere and brings in a file: a key or a signature.

    Args:
        file: its path.
        what: what it should hold, in words.
        still: what is still true when it does not.

    Raises:
        Missing, Wrong: there is no such file, or it holds something else.
    """
    try:
        return file.read_text("ascii")
    except OSError:
        raise Missing(f"There is no file {file}", still=still) from None
    except UnicodeDecodeError:
        raise Wrong(f"{file} holds no {what}", still=still) from None
