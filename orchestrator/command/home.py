"""An open home as the API sees it: every verb, over one runtime."""

from collections.abc import AsyncIterator, Sequence

from orchestrator.client import views
from orchestrator.command.approvals_desk import ApprovalsDesk
from orchestrator.command.approvers import Approvers
from orchestrator.command.approving import Approvals
from orchestrator.command.audit_search import AuditSearch
from orchestrator.command.backups import Backups
from orchestrator.command.bots import Bots
from orchestrator.command.channels import Channels
from orchestrator.command.closing import DealClosing
from orchestrator.command.closing_rooms import ConversationEnds
from orchestrator.command.connections import Connections
from orchestrator.command.conversations import Conversations
from orchestrator.command.conversations_tier import ConversationTiers
from orchestrator.command.copies import Copies
from orchestrator.command.deals import Deals
from orchestrator.command.directory import Directory
from orchestrator.command.documents import Documents
from orchestrator.command.evidence import Evidences
from orchestrator.command.exports import Exports
from orchestrator.command.insiders import Insiders
from orchestrator.command.key_replacing import KeyReplacing
from orchestrator.command.key_upload import KeyUpload
from orchestrator.command.keys import Keys
from orchestrator.command.leaving import Leaves
from orchestrator.command.legal_holds import LegalHolds
from orchestrator.command.list_desk import ListDesk
from orchestrator.command.messages import Messages
from orchestrator.command.notifying import Notifying
from orchestrator.command.overview import Overview
from orchestrator.command.persons import Persons
from orchestrator.command.planning import Plans
from orchestrator.command.prevented import PreventedLedger
from orchestrator.command.reading import Reading
from orchestrator.command.rebuilding import Rebuilding
from orchestrator.command.records import Records
from orchestrator.command.replays import Replays
from orchestrator.command.risk import RiskDesk
from orchestrator.command.rosters import Rosters
from orchestrator.command.rotating import Rotating
from orchestrator.command.runtime import Runtime
from orchestrator.command.signing import Signings
from orchestrator.command.simulating import Simulating
from orchestrator.command.strangers import Strangers
from orchestrator.command.watching import Watching
from orchestrator.command.webhooks import Webhooks
from orchestrator.query.desk_pages import DeskPages
from orchestrator.query.happenings import Happenings
from orchestrator.query.keys_desk import KeysDesk
from orchestrator.query.operating import OperatingHome
from orchestrator.query.people_desk import PeopleDesk
from orchestrator.query.shown import Shown
from orchestrator.query.tier_rules import TierList
from orchestrator.query.where import Where


class OpenHome(
    Reading,
    Webhooks,
    PreventedLedger,
    Notifying,
    Deals,
    Rosters,
    Approvers,
    Approvals,
    ApprovalsDesk,
    Exports,
    AuditSearch,
    Connections,
    KeyUpload,
    Insiders,
    Persons,
    Strangers,
    Leaves,
    PeopleDesk,
    ListDesk,
    Conversations,
    ConversationTiers,
    ConversationEnds,
    Plans,
    Messages,
    Documents,
    Copies,
    Keys,
    KeyReplacing,
    KeysDesk,
    Channels,
    Rebuilding,
    Rotating,
    Records,
    LegalHolds,
    DealClosing,
    Evidences,
    Watching,
    TierList,
    Simulating,
    RiskDesk,
    Where,
    DeskPages,
    OperatingHome,
    Happenings,
    Shown,
    Replays,
    Signings,
    Directory,
    Bots,
    Backups,
):
    """Implements ``orchestrator.api.port.Home``."""

    def __init__(self, runtime: Runtime) -> None:
        Replays.__init__(self, runtime)
        PeopleDesk.__init__(self, runtime)
        ApprovalsDesk.__init__(self, runtime)
        Exports.__init__(self, runtime)
        KeyUpload.__init__(self, runtime)
        Directory.__init__(self, runtime)
        Bots.__init__(self, runtime)
        Backups.__init__(self, runtime)
        DeskPages.__init__(self, runtime)
        RiskDesk.__init__(self, runtime)
        Where.__init__(self, runtime)
        self.runtime = runtime
        self._overview = Overview(runtime, self)

    @property
    def live(self) -> bool:
        """Connectors are open and the engine runs."""
        return self._r.live

    async def status(self) -> views.Status:
        """The overview."""
        return await self._overview.status()

    async def checks(self) -> Sequence[views.Check]:
        """Checks that need the open home."""
        return await self._overview.checks()

    async def allowed(self, check: str, *, actor: str) -> None:
        """Records that a red check was gone past."""
        await self._overview.allowed(check, actor=actor)

    def watch(self) -> AsyncIterator[views.Happening]:
        """What happens from now on, for ever."""
        return self._overview.watch()
