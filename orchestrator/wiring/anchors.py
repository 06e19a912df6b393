"""Builds the anchors that the configuration names.

Rule kept here: an anchor that cannot be built is an error with its name, never one anchor fewer.
"""

from cryptography import x509

from orchestrator.audit.anchors.folder import FolderAnchor
from orchestrator.audit.anchors.mail import MailAnchor, MailServer
from orchestrator.audit.anchors.port import Anchor
from orchestrator.audit.anchors.timestamp import TimestampAnchor
from orchestrator.client.problems import Wrong
from orchestrator.config import Settings
from orchestrator.config import model as parts
from orchestrator.secrets.port import SecretStore
from orchestrator.secrets.reference import resolve


def anchors_of(settings: Settings, vault: SecretStore) -> list[Anchor]:
    """Every configured anchor.

    Raises:
        Wrong: one cannot be built; the name and what is wrong with it are told.
    """
    found: list[Anchor] = []
    for part in settings.config.anchors:
        try:
            found.append(_anchor(part, settings, vault))
        except (OSError, ValueError) as error:
            raise Wrong(
                f"anchor {part.name}: {error}",
                still="No head is anchored; nothing was started.",
                then="correct [[anchors]] in wallcross.toml, then wallcross doctor",
            ) from None
    return found


def _anchor(part: parts.Anchor, settings: Settings, vault: SecretStore) -> Anchor:
    if isinstance(part, parts.FolderAnchor):
        folder = settings.resolve(part.path)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        witness = bytes.fromhex(part.witness) if part.witness is not None else None
        return FolderAnchor(part.name, folder, settings.state, witness=witness)
    if isinstance(part, parts.MailAnchor):
        return MailAnchor(part.name, _server(part, vault), part.sender, part.to)
    roots = settings.resolve(part.roots).read_bytes()
    return TimestampAnchor(part.name, part.url, x509.load_pem_x509_certificates(roots))


def _server(part: parts.MailAnchor, vault: SecretStore) -> MailServer:
    reference = part.password
    if reference is None:
        return MailServer(part.server, part.port, part.tls, part.user)
    return MailServer(
        part.server,
        part.port,
        part.tls,
        part.user,
        lambda: resolve(reference, vault).reveal_text(),
    )
