"""What the API needs of a running home; orchestrator.wiring is its one implementation.

Rules kept here:

1. Whoever calls says who he is: every method that changes something takes ``actor``
   (``local:<os user>`` from the socket), and writes it into the audit in the same transaction.
2. A method answers a view, or raises a ``Problem``; never text of a message in either.
3. ``live`` homes have their connectors open and their engine running. A home that is not live
   reads and writes the store only; methods marked *live* raise ``Unready`` there.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Literal, Protocol

from orchestrator.api.port_access import EventAccess, ShownAccess, WhereAccess
from orchestrator.api.port_approvals_desk import ApprovalDeskAccess
from orchestrator.api.port_audit_desk import AuditDeskAccess
from orchestrator.api.port_backup import BackupAccess
from orchestrator.api.port_bots import BotAccess
from orchestrator.api.port_closing import ClosingAccess
from orchestrator.api.port_connections import ConnectionAccess
from orchestrator.api.port_conversing import ConversingAccess
from orchestrator.api.port_copies import CopyAccess
from orchestrator.api.port_directory import DirectoryAccess
from orchestrator.api.port_documents_desk import DocumentDeskAccess
from orchestrator.api.port_held import HeldDeskAccess
from orchestrator.api.port_keys_desk import KeyDeskAccess
from orchestrator.api.port_legal_holds import LegalHoldAccess
from orchestrator.api.port_memberships import (
    CardAccess,
    ListAccess,
    MembershipAccess,
    OwnAccess,
)
from orchestrator.api.port_notify import NotifyAccess
from orchestrator.api.port_operator import OperatorAccess
from orchestrator.api.port_overview import OverviewAccess
from orchestrator.api.port_prevented import PreventedAccess
from orchestrator.api.port_reading import ReadingAccess
from orchestrator.api.port_rebuilding import RebuildAccess
from orchestrator.api.port_record import ApprovalAccess, ApproverAccess, RecordAccess
from orchestrator.api.port_risk import RiskAccess
from orchestrator.api.port_rotating import RotateAccess
from orchestrator.api.port_sign_in import SignInAccess
from orchestrator.api.port_signing import SigningAccess
from orchestrator.api.port_webhooks import WebhookAccess
from orchestrator.client.evidence import EvidenceView, StateReport
from orchestrator.client.leaves import LeaveView, LostView
from orchestrator.client.people import CrossedView, EnrolmentView, InsiderView, PersonView
from orchestrator.client.plans import DoneLine, PlanRunView, PlanView
from orchestrator.client.rosters import CouldSee, HistoryRow, ReviewView, WhoCouldSee
from orchestrator.client.strangers import KeptView
from orchestrator.client.tiers import Rules, Sample, SimulationView, TiersView
from orchestrator.client.trouble import CallBackView, TroubleView
from orchestrator.client.views import (
    AdoptionView,
    ChannelTest,
    ChannelView,
    Check,
    ConversationView,
    DealView,
    DeliveryView,
    DocumentView,
    Happening,
    HeldView,
    KeyView,
    MessageView,
    NewConversation,
    NewRoom,
    Post,
    ReplayReport,
    Row,
    Sent,
    Status,
    Taken,
)
from orchestrator.config import Settings
from tiers.ids import ConnectorName, DealId, DeliveryId, MessageId, PersonId
from tiers.people import Phase
from tiers.rights import Viewer

Actor = str
"""Who acts, as the audit writes it: ``local:<os user>``."""


class DealAccess(Protocol):
    """Deals, and what is adopted for them (orchestrator.roster has each of these ready)."""

    async def find_deal(self, name: str) -> DealId:
        """The deal of that code or id. Raises: Missing."""
        ...

    async def deal_new(self, code: str, *, made_up: bool, policy: str, actor: Actor) -> DealView:
        """Makes a deal and adopts its policy document. Raises: Refused when the code is taken."""
        ...

    async def deal_list(self) -> Sequence[DealView]:
        """Every deal of the home."""
        ...

    async def deal_show(self, deal: DealId) -> DealView:
        """One deal."""
        ...

    async def adopt(
        self,
        deal: DealId,
        kind: Literal["policy", "roster"],
        document: str,
        *,
        actor: Actor,
        in_place_of: str | None = None,
    ) -> AdoptionView:
        """Puts a document in force, with its hash in the audit. Raises: Wrong, Refused."""
        ...

    async def in_force(self, deal: DealId, kind: Literal["policy", "roster"]) -> AdoptionView:
        """What is in force, checked against the audit. Raises: Missing, Refused."""
        ...


class RosterAccess(Protocol):
    """A deal's phase, its roster's history, and who might see what."""

    async def deal_phase(self, deal: DealId, phase: Phase, *, actor: Actor) -> bool:
        """Puts a deal into a phase; whether it was in another. Raises: Waits."""
        ...

    async def roster_history(self, deal: DealId) -> Sequence[HistoryRow]:
        """Every adoption, phase and review of a deal, newest first."""
        ...

    async def roster_once(self, deal: DealId, name: str) -> str:
        """A roster's document, by its hash or the beginning of it. Raises: Missing, Refused."""
        ...

    async def roster_review(self, deal: DealId, by: PersonId, *, actor: Actor) -> ReviewView:
        """Records that somebody looked through it. Raises: Missing."""
        ...

    async def could_see(
        self, deal: DealId, person: PersonId, at: int, known_at: int | None
    ) -> CouldSee:
        """What a person might see at an instant, as it was known (None: then). Raises: Refused."""
        ...

    async def who_could_see(
        self, deal: DealId, name: str, at: int, known_at: int | None
    ) -> WhoCouldSee:
        """Who might read a conversation, and who was in it. Raises: Missing, Refused."""
        ...


class PersonAccess(Protocol):
    """People of a deal, one by one."""

    async def person_list(self, deal: DealId) -> Sequence[PersonView]:
        """Everybody of a deal."""
        ...

    async def person_show(self, deal: DealId, person: PersonId) -> PersonView:
        """One person. Raises: Missing."""
        ...

    async def person_cross(
        self, deal: DealId, person: PersonId, by: PersonId, reason: str, *, actor: Actor
    ) -> CrossedView:
        """Shows a person his side's notice. Raises: Missing, Refused, Waits."""
        ...

    async def person_agree(
        self, deal: DealId, person: PersonId, by: PersonId, *, actor: Actor
    ) -> PersonView:
        """``by`` of his control room agrees to his crossing. Raises: Missing, Refused."""
        ...

    async def person_ack(
        self, deal: DealId, person: PersonId, by: PersonId, *, actor: Actor
    ) -> PersonView:
        """He acknowledged on paper, which ``by`` holds. Raises: Missing, Refused."""
        ...

    async def person_cleanse(
        self, deal: DealId, person: PersonId, by: PersonId, reason: str, *, actor: Actor
    ) -> PersonView:
        """He ceases to be an insider. Raises: Missing, Refused."""
        ...

    async def person_enrol(
        self,
        deal: DealId,
        person: PersonId,
        channels: Sequence[str],
        by: PersonId,
        *,
        actor: Actor,
    ) -> EnrolmentView:
        """Hands out a one-time code for each channel. *live*. Raises: Missing, Refused."""
        ...

    async def person_attest(
        self,
        deal: DealId,
        person: PersonId,
        channel: str,
        account: str,
        by: PersonId,
        *,
        actor: Actor,
    ) -> PersonView:
        """Counsel's word that an account is his. Raises: Missing, Wrong, Refused."""
        ...

    async def person_insiders(self, deal: DealId) -> Sequence[InsiderView]:
        """Who had access, from when until when, as rooms were read back."""
        ...


class TroubleAccess(Protocol):
    """People in trouble: what takes away is done at once, by one."""

    async def person_pause(
        self, deal: DealId, person: PersonId, reason: str, *, actor: Actor
    ) -> TroubleView:
        """Clears a person for nothing. Raises: Missing, Wrong."""
        ...

    async def person_resume(self, deal: DealId, person: PersonId, *, actor: Actor) -> TroubleView:
        """Gives him back what the roster grants. Raises: Missing, Refused, Waits."""
        ...

    async def person_phished(self, deal: DealId, person: PersonId, *, actor: Actor) -> TroubleView:
        """Pauses him in every deal, takes his keys out, tells the owners. Raises: Missing."""
        ...

    async def person_new_phone(
        self, deal: DealId, person: PersonId, *, actor: Actor
    ) -> TroubleView:
        """Expects another key of his; opens nothing. Raises: Missing."""
        ...

    async def person_call_back(self, deal: DealId, person: PersonId) -> CallBackView:
        """How to ask him back. Raises: Missing."""
        ...


class LeaveAccess(Protocol):
    """People who leave a deal, and lost devices."""

    async def leave(
        self, deal: DealId, person: PersonId, reason: str, *, actor: Actor, wait: bool = True
    ) -> LeaveView:
        """Takes somebody out of everything, at once; ``wait``: answers when it was seen, or late.

        Raises:
            Missing, Refused, Wrong: he is not there, or may not be taken out so.
        """
        ...

    async def leave_list(self, deal: DealId) -> Sequence[LeaveView]:
        """Every leave, newest first."""
        ...

    async def leave_show(self, deal: DealId, person: PersonId) -> LeaveView:
        """Somebody's last leave. Raises: Missing."""
        ...

    async def leave_undo(self, deal: DealId, person: PersonId, *, actor: Actor) -> LeaveView:
        """Brings somebody back, in time and by two. Raises: Missing, Refused, Waits."""
        ...

    def leave_proof(self, deal: DealId, person: PersonId, *, actor: Actor) -> AsyncIterator[bytes]:
        """The signed proof of his last leave, as a tar archive; its export is an entry."""
        ...

    async def person_lost(
        self, deal: DealId, person: PersonId, device: str, *, actor: Actor
    ) -> LostView:
        """Takes a lost device out for good; its owner keeps his seats. Raises: Missing."""
        ...


class QuarantineAccess(Protocol):
    """What came in and nobody believes; its text is shown to nobody."""

    async def quarantine_list(self, *, every: bool) -> Sequence[KeptView]:
        """What is kept; ``every``: also what is on the record alone."""
        ...

    async def quarantine_show(self, kept: str) -> KeptView:
        """One. Raises: Missing."""
        ...

    async def quarantine_drop(self, kept: str, *, actor: Actor) -> KeptView:
        """Destroys its bytes. Raises: Missing."""
        ...

    async def quarantine_admit(
        self, kept: str, deal: DealId, person: PersonId, by: PersonId, *, actor: Actor
    ) -> EnrolmentView:
        """Begins a person's enrolment on a stranger's channel. *live*. Raises: Missing, Refused."""
        ...


class ConversationAccess(Protocol):
    """Conversations and their rooms. ``name`` is a label or an id."""

    async def conv_list(self, deal: DealId) -> Sequence[ConversationView]:
        """All conversations of a deal."""
        ...

    async def conv_show(self, deal: DealId, name: str) -> ConversationView:
        """One, its rooms read back where the home is live. Raises: Missing."""
        ...

    async def conv_new(
        self, deal: DealId, new: NewConversation, *, actor: Actor
    ) -> ConversationView:
        """Makes, hardens, invites and reads back. *live*. Raises: Wrong, Refused, Failed."""
        ...

    async def conv_room_add(
        self, deal: DealId, name: str, new: NewRoom, *, actor: Actor
    ) -> ConversationView:
        """Makes the rooms of one more channel, or an alternate to a room. *live*.

        Raises:
            Missing, Wrong, Refused, Failed: nobody was let in whom the roster does not clear.
        """
        ...

    async def conv_attest(
        self,
        deal: DealId,
        room: str,
        guarantee: str,
        value: int | None,
        *,
        by: PersonId,
        actor: Actor,
    ) -> ConversationView:
        """Records that ``by`` saw a guarantee. ``room`` is a room id, a label or an id."""
        ...

    async def conv_pause(
        self, deal: DealId, name: str, reason: str, *, actor: Actor
    ) -> ConversationView:
        """Stops what we send into a conversation's rooms."""
        ...

    async def conv_resume(self, deal: DealId, name: str, *, actor: Actor) -> ConversationView:
        """Lets it go on where a fresh reading allows it. *live*. Raises: Refused."""
        ...


class MessageAccess(Protocol):
    """Messages handed in, held, dead or in doubt."""

    async def send_text(self, deal: DealId, post: Post, text: str, *, actor: Actor) -> Sent:
        """Accepts a text as ``post.person``; no conversation is the deal's intake."""
        ...

    async def send_file(
        self, deal: DealId, post: Post, data: AsyncIterator[bytes], *, actor: Actor
    ) -> Sent:
        """Accepts ``post.file``, sealed as it arrives."""
        ...

    async def message_show(self, message: MessageId) -> MessageView:
        """Where a message stands. Raises: Missing."""
        ...

    async def held_list(self, deal: DealId | None) -> Sequence[HeldView]:
        """What waits."""
        ...

    async def held_move(
        self, message: MessageId, conversation: str, *, actor: Actor, viewer: Viewer | None = None
    ) -> HeldView:
        """Into the same or a stricter conversation. Raises: Missing, Refused, Waits."""
        ...

    async def held_drop(self, message: MessageId, *, actor: Actor) -> HeldView:
        """Never to be sent."""
        ...

    async def held_release(
        self, message: MessageId, *, actor: Actor, viewer: Viewer | None = None
    ) -> HeldView:
        """As it was addressed. Raises: Waits when that is downwards, Refused."""
        ...

    async def delivery_list(
        self, deal: DealId | None, state: Literal["dead", "possibly"]
    ) -> Sequence[DeliveryView]:
        """Deliveries that a person must look at."""
        ...

    async def delivery_retry(self, delivery: DeliveryId, *, actor: Actor) -> DeliveryView:
        """Queues a dead or possibly delivered one again, marked. *live*. Raises: Refused."""
        ...


class DocumentAccess(Protocol):
    """Formal documents for named readers."""

    async def document_send(
        self, deal: DealId, post: Post, data: AsyncIterator[bytes], *, actor: Actor
    ) -> Sent:
        """Accepts ``post.file`` for ``post.readers``. Raises: Wrong, Missing."""
        ...

    async def document_list(self, deal: DealId) -> Sequence[DocumentView]:
        """The deal's documents, newest first."""
        ...

    async def document_show(self, message: MessageId) -> DocumentView:
        """One, with what became of each copy. Raises: Missing."""
        ...


class KeyAccess(Protocol):
    """Keys and devices of people."""

    async def key_list(self, deal: DealId, person: PersonId | None) -> Sequence[KeyView]:
        """The newest state of each device."""
        ...

    async def key_verify(
        self,
        deal: DealId,
        person: PersonId,
        by_a: PersonId,
        by_b: PersonId,
        *,
        compared: Sequence[str] | None = None,
        words: str | None = None,
        replaces: str | None = None,
        actor: Actor,
    ) -> Sequence[KeyView]:
        """Records a ceremony over the keys compared (None: all present), or the one that reads so.

        ``replaces`` is a device of his that counts no more from then on.

        Raises: Missing, Refused, Failed.
        """
        ...

    async def key_add(
        self,
        deal: DealId,
        person: PersonId,
        channel: str | None,
        certificate: bytes,
        *,
        actor: Actor,
    ) -> KeyView:
        """Takes a person's certificate in as a proposal. *live*. Raises: Missing."""
        ...

    async def key_export(self, channel: str | None) -> str:
        """Our own certificate in armour. *live*. Raises: Missing."""
        ...

    async def key_mark(
        self,
        deal: DealId,
        person: PersonId,
        device: str,
        event: Literal["revoke", "compromise"],
        *,
        actor: Actor,
    ) -> KeyView:
        """Takes a device out for ever; one person is enough."""
        ...


class ChannelAccess(Protocol):
    """Channel accounts."""

    async def channel_list(self) -> Sequence[ChannelView]:
        """Every configured channel."""
        ...

    async def channel_test(
        self, name: ConnectorName, *, actor: Actor, real_server: str | None = None
    ) -> ChannelTest:
        """The safe live check, recorded. *live*."""
        ...

    async def channel_pause(self, name: ConnectorName, reason: str, *, actor: Actor) -> ChannelView:
        """Stops what we send there."""
        ...

    async def channel_resume(self, name: ConnectorName, *, actor: Actor) -> ChannelView:
        """Lets it go on. *live*. Raises: Refused while its check is red."""
        ...


class PlanAccess(Protocol):
    """Bringing rooms back to the roster."""

    async def plan(self, deal: DealId) -> PlanView:
        """Where the channels differ from the roster; changes nothing. *live*."""
        ...

    def plan_apply(
        self, deal: DealId, plan: str, document: str | None, *, actor: Actor
    ) -> AsyncGenerator[DoneLine, None]:
        """Carries out a plan by its name, act by act. *live*.

        Raises:
            Missing, Wrong: there is no such plan.
            Refused: the world has moved since; nothing was done.
        """
        ...

    async def plan_start(self, deal: DealId, plan: str, *, actor: Actor) -> PlanRunView:
        """Begins to carry out a plan; it runs to its end. *live*. Raises: Missing, Wrong."""
        ...

    async def plan_run(self, deal: DealId, plan: str) -> PlanRunView:
        """How far a plan is that was begun. Raises: Missing."""
        ...


class TierAccess(Protocol):
    """The tiers, why a text lands where it does, and what a deal watches for."""

    async def tier_list(self, deal: DealId) -> TiersView:
        """The tiers in force, the strictest first. Raises: Unready."""
        ...

    async def rules_simulate(
        self, deal: DealId, rules: Rules, texts: Sequence[Sample], *, effects: bool
    ) -> SimulationView:
        """What changed rules would do; nothing is changed or kept. Raises: Wrong, Unready."""
        ...

    async def tier_explain(self, deal: DealId, text: str, floor: str) -> dict[str, Any]:
        """Tier, strength in a conversation of ``floor``, and places; never the text."""
        ...

    async def watch_size(self, deal: DealId) -> int:
        """How many entries the watch list has."""
        ...

    async def watch_add(
        self, deal: DealId, names: Sequence[str], amounts: Sequence[str], *, actor: Actor
    ) -> int:
        """Adds code names and amounts; returns how many entries there are. Raises: Wrong."""
        ...


class ReplayAccess(Protocol):
    """Real conversations through the whole path."""

    async def replay_start(self, deal: DealId | None, *, sample: bool, actor: Actor) -> str:
        """Makes ready a run, with the made-up deal when ``sample``; returns its id. *live*."""
        ...

    async def replay_accept(self, run: str, rows: Sequence[Row]) -> Taken:
        """Hands rows in; a row whose id this deal already has is a duplicate."""
        ...

    async def replay_report(self, run: str) -> ReplayReport:
        """Where they stand."""
        ...


class EvidenceAccess(Protocol):
    """What is proven: rows against the record, and each control of each room."""

    async def audit_state(self, deal: DealId) -> StateReport:
        """A deal's rows, and those of the home, held against the chains read alone."""
        ...

    async def evidence_show(self, deal: DealId, conversation: str | None) -> EvidenceView:
        """Each control with its grade, by whom, and since when. Raises: Missing, Unready."""
        ...

    def evidence_export(self, deal: DealId, *, actor: Actor) -> AsyncIterator[bytes]:
        """A signed pack as a tar archive; itself an entry. Raises: Missing, Unready."""
        ...


class Home(
    DealAccess,
    RosterAccess,
    ApproverAccess,
    ApprovalAccess,
    ApprovalDeskAccess,
    AuditDeskAccess,
    ConnectionAccess,
    DocumentDeskAccess,
    DirectoryAccess,
    PersonAccess,
    LeaveAccess,
    TroubleAccess,
    QuarantineAccess,
    ConversationAccess,
    ConversingAccess,
    MessageAccess,
    DocumentAccess,
    CopyAccess,
    KeyAccess,
    KeyDeskAccess,
    ChannelAccess,
    RebuildAccess,
    RotateAccess,
    RecordAccess,
    EvidenceAccess,
    PlanAccess,
    TierAccess,
    ReplayAccess,
    MembershipAccess,
    CardAccess,
    OwnAccess,
    ListAccess,
    SigningAccess,
    LegalHoldAccess,
    ClosingAccess,
    OverviewAccess,
    OperatorAccess,
    HeldDeskAccess,
    RiskAccess,
    WhereAccess,
    EventAccess,
    ShownAccess,
    SignInAccess,
    BotAccess,
    BackupAccess,
    NotifyAccess,
    PreventedAccess,
    ReadingAccess,
    WebhookAccess,
    Protocol,
):
    """A home that is open."""

    @property
    def live(self) -> bool:
        """Connectors are open and the engine runs."""
        ...

    async def status(self) -> Status:
        """The overview."""
        ...

    async def checks(self) -> Sequence[Check]:
        """Checks that need the open home: store, adoption, journal, anchors, each channel."""
        ...

    async def allowed(self, check: str, *, actor: Actor) -> None:
        """Records in every deal's audit that `serve --allow CHECK` went past a red check."""
        ...

    def watch(self) -> AsyncIterator[Happening]:
        """What happens from now on, for ever."""
        ...


class OpensHome(Protocol):
    """``orchestrator.wiring.open_home``: the lock is already held by the caller."""

    def __call__(
        self, settings: Settings, *, live: bool, now: Callable[[], int]
    ) -> AbstractAsyncContextManager[Home]:
        """Opens the home at ``settings.state``; raises Problem when it cannot."""
        ...
