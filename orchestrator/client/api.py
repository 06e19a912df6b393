"""The API as functions: one for each operation, each answering a view or raising a Problem.

Rule kept here: an operation of the desk (what people reach through a sign-in) stands in the module
of its page; ``Client`` is all of them.
"""

import json
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any, Literal
from urllib.parse import quote

from pydantic import TypeAdapter

from orchestrator.client.approvals import (
    Answered,
    CredentialView,
    NewCredential,
    ProofView,
    Refusal,
    RequestView,
)
from orchestrator.client.approvals_desk import ApprovalsDeskApi
from orchestrator.client.audit_desk import AuditDeskApi
from orchestrator.client.backup import BackupApi
from orchestrator.client.bots import BotsApi
from orchestrator.client.card import CardApi
from orchestrator.client.closing import ClosingApi
from orchestrator.client.connections import ConnectionsApi
from orchestrator.client.conversing import ConversingApi
from orchestrator.client.copies import CopiesApi
from orchestrator.client.directory import DirectoryApi
from orchestrator.client.documents_desk import DocumentsDeskApi
from orchestrator.client.evidence import EvidenceView, StateReport
from orchestrator.client.held_desk import HeldApi
from orchestrator.client.keys_desk import KeysDeskApi
from orchestrator.client.leaves import LeaveView, LostView
from orchestrator.client.legal_holds import LegalHoldsApi
from orchestrator.client.memberships import MembershipsApi
from orchestrator.client.notify import NotifyApi
from orchestrator.client.overview import OverviewApi
from orchestrator.client.people import CrossedView, EnrolmentView, InsiderView, PersonView
from orchestrator.client.plans import DoneLine, PlanRunView, PlanView
from orchestrator.client.prevented import PreventedApi
from orchestrator.client.reading import ReadingApi
from orchestrator.client.rebuilding import RebuildApi
from orchestrator.client.risk import RiskApi
from orchestrator.client.rosters import CouldSee, HistoryRow, ReviewView, WhoCouldSee
from orchestrator.client.rotating import RotateApi
from orchestrator.client.sign_in import SignInApi
from orchestrator.client.signing import SigningApi
from orchestrator.client.strangers import KeptView
from orchestrator.client.tiers import TiersApi
from orchestrator.client.trouble import CallBackView, TroubleView
from orchestrator.client.views import (
    AdoptionView,
    AuditLine,
    AuditReport,
    ChannelTest,
    ChannelView,
    Check,
    ConversationView,
    DealView,
    DeliveryView,
    DocumentView,
    Happening,
    HeldView,
    JournalReport,
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
from orchestrator.client.wire import deal_path, part, read, refuse

Kind = Literal["policy", "roster"]


class Client(
    DirectoryApi,
    RebuildApi,
    RotateApi,
    ReadingApi,
    PreventedApi,
    NotifyApi,
    OverviewApi,
    HeldApi,
    RiskApi,
    CardApi,
    MembershipsApi,
    SigningApi,
    LegalHoldsApi,
    ClosingApi,
    ApprovalsDeskApi,
    AuditDeskApi,
    ConnectionsApi,
    ConversingApi,
    DocumentsDeskApi,
    CopiesApi,
    KeysDeskApi,
    BotsApi,
    BackupApi,
    SignInApi,
    TiersApi,
):
    """Calls the API of one home."""

    async def status(self) -> Status:
        """The overview."""
        return await self._get(Status, "/status")

    async def checks(self) -> Sequence[Check]:
        """Checks of the open home."""
        return await self._get(list[Check], "/checks")

    async def allowed(self, check: str) -> None:
        """Records that a red check was gone past."""
        await self._call("POST", "/allowed", {"check": check})

    async def watch(self) -> AsyncIterator[Happening]:
        """What happens from now on."""
        async with self._http.stream("GET", f"{self._base}/events", timeout=None) as answer:
            await refuse(answer)
            async for line in answer.aiter_lines():
                if line.startswith("data: "):
                    yield read(Happening, json.loads(line.removeprefix("data: ")))

    async def deal_list(self) -> Sequence[DealView]:
        """Every deal."""
        return await self._get(list[DealView], "/deals")

    async def deal_new(self, code: str, *, made_up: bool, policy: str | None) -> DealView:
        """Makes a deal with its policy in force; None is the policy that ships."""
        body = {"code": code, "made_up": made_up, "policy": policy}
        return await self._post(DealView, "/deals", body)

    async def deal_show(self, deal: str) -> DealView:
        """One deal, by code or id."""
        return await self._get(DealView, deal_path(deal))

    async def in_force(self, deal: str, kind: Kind) -> AdoptionView:
        """What is in force."""
        return await self._get(AdoptionView, f"{deal_path(deal)}/adopted/{kind}")

    async def adopt(
        self, deal: str, kind: Kind, document: str, in_place_of: str | None = None
    ) -> AdoptionView:
        """Puts a document in force; with ``in_place_of`` only while the one of that hash stands."""
        body = {"document": document, "in_place_of": in_place_of}
        path = f"{deal_path(deal)}/adopted/{kind}"
        return read(AdoptionView, await self._call("PUT", path, body))

    async def deal_phase(self, deal: str, phase: str) -> bool:
        """Puts a deal into a phase; whether it was in another."""
        body = {"phase": phase}
        return read(bool, await self._call("PUT", f"{deal_path(deal)}/phase", body))

    async def roster_history(self, deal: str) -> list[HistoryRow]:
        """Every adoption, phase and review, newest first."""
        return await self._get(list[HistoryRow], f"{deal_path(deal)}/roster/history")

    async def roster_once(self, deal: str, name: str) -> str:
        """The document of a roster that was adopted once, by the beginning of its hash."""
        return await self._get(str, f"{deal_path(deal)}/roster/adopted/{part(name)}")

    async def roster_review(self, deal: str, by: str) -> ReviewView:
        """Records that somebody looked through who may see what."""
        return await self._post(ReviewView, f"{deal_path(deal)}/roster/reviews", {"by": by})

    async def could_see(self, deal: str, person: str, at: int, known_at: int | None) -> CouldSee:
        """What a person might see at an instant, microseconds UTC."""
        path = f"{deal_path(deal)}/roster/could-see/{part(person)}"
        return await self._get(CouldSee, path, _when(at, known_at))

    async def who_could_see(
        self, deal: str, name: str, at: int, known_at: int | None
    ) -> WhoCouldSee:
        """Who might read a conversation at an instant, microseconds UTC."""
        path = f"{deal_path(deal)}/roster/who-could-see/{part(name)}"
        return await self._get(WhoCouldSee, path, _when(at, known_at))

    async def person_list(self, deal: str) -> Sequence[PersonView]:
        """Everybody of a deal."""
        return await self._get(list[PersonView], f"{deal_path(deal)}/people")

    async def person_show(self, deal: str, person: str) -> PersonView:
        """One person of a deal."""
        return await self._get(PersonView, _person(deal, person))

    async def person_cross(self, deal: str, person: str, by: str, reason: str) -> CrossedView:
        """Shows a person his side's notice."""
        body = {"by": by, "reason": reason}
        return await self._post(CrossedView, f"{_person(deal, person)}/cross", body)

    async def person_agree(self, deal: str, person: str, by: str) -> PersonView:
        """``by`` of his control room agrees to his crossing."""
        return await self._post(PersonView, f"{_person(deal, person)}/agree", {"by": by})

    async def person_ack(self, deal: str, person: str, by: str) -> PersonView:
        """He acknowledged the notice on paper, which ``by`` holds."""
        return await self._post(PersonView, f"{_person(deal, person)}/acknowledge", {"by": by})

    async def person_cleanse(self, deal: str, person: str, by: str, reason: str) -> PersonView:
        """He ceases to be an insider."""
        body = {"by": by, "reason": reason}
        return await self._post(PersonView, f"{_person(deal, person)}/cleanse", body)

    async def person_enrol(
        self, deal: str, person: str, channels: Sequence[str], by: str
    ) -> EnrolmentView:
        """Hands out a one-time code for each channel."""
        body = {"by": by, "channels": list(channels)}
        return await self._post(EnrolmentView, f"{_person(deal, person)}/enrol", body)

    async def person_attest(
        self, deal: str, person: str, channel: str, account: str, by: str
    ) -> PersonView:
        """Counsel's word that an account is a person's."""
        body = {"by": by, "channel": channel, "account": account}
        return await self._post(PersonView, f"{_person(deal, person)}/attest", body)

    async def person_insiders(self, deal: str) -> Sequence[InsiderView]:
        """Who had access, from when until when, as rooms were read back."""
        return await self._get(list[InsiderView], f"{deal_path(deal)}/insiders")

    async def person_pause(self, deal: str, person: str, reason: str) -> TroubleView:
        """Clears a person for nothing, at once."""
        return await self._post(TroubleView, f"{_person(deal, person)}/pause", {"reason": reason})

    async def person_resume(self, deal: str, person: str) -> TroubleView:
        """Gives him back what the roster grants."""
        return await self._post(TroubleView, f"{_person(deal, person)}/resume")

    async def person_phished(self, deal: str, person: str) -> TroubleView:
        """Takes him for taken over."""
        return await self._post(TroubleView, f"{_person(deal, person)}/phished")

    async def person_new_phone(self, deal: str, person: str) -> TroubleView:
        """Expects another key of his."""
        return await self._post(TroubleView, f"{_person(deal, person)}/new-phone")

    async def person_call_back(self, deal: str, person: str) -> CallBackView:
        """How to ask him back."""
        return await self._get(CallBackView, f"{_person(deal, person)}/callback")

    async def approval_list(self, deal: str | None, *, every: bool) -> Sequence[RequestView]:
        """What waits for people; ``every``: also what waited."""
        query = {"deal": deal, "every": "true" if every else None}
        return await self._get(list[RequestView], "/approvals", query)

    async def approval_show(self, request: str) -> RequestView:
        """One request, with the exact bytes that are signed."""
        return await self._get(RequestView, f"/approvals/{part(request)}")

    async def approval_answer(
        self,
        request: str,
        said: Answered,
        person: str,
        signature: str,
        reason: Refusal | None = None,
    ) -> RequestView:
        """Hands a person's signed answer in; a no with its reason."""
        body = {"answer": said, "person": person, "signature": signature, "reason": reason}
        return await self._post(RequestView, f"/approvals/{part(request)}/answer", body)

    async def approval_take_back(self, request: str) -> RequestView:
        """Takes a request back."""
        return await self._post(RequestView, f"/approvals/{part(request)}/back")

    async def deal_found(self, deal: str) -> RequestView:
        """Asks all who are enrolled to found the deal."""
        return await self._post(RequestView, f"{deal_path(deal)}/founding")

    async def approver_list(self, deal: str) -> Sequence[CredentialView]:
        """Whose keys may sign."""
        return await self._get(list[CredentialView], f"{deal_path(deal)}/approvers")

    async def approver_proof(self, deal: str, new: NewCredential) -> ProofView:
        """What its owner signs to prove that a key is his."""
        return await self._post(ProofView, f"{deal_path(deal)}/approvers/proof", _key(new))

    async def approver_enrol(self, deal: str, new: NewCredential, proof: str) -> CredentialView:
        """Enrols a key; in a founded deal it waits for two."""
        body = _key(new) | {"proof": proof}
        return await self._post(CredentialView, f"{deal_path(deal)}/approvers", body)

    async def approver_withdraw(self, deal: str, person: str) -> int:
        """Takes all keys of a person away, at once; answers how many."""
        return await self._post(int, f"{deal_path(deal)}/approvers/{part(person)}/withdraw")

    async def quarantine_list(self, *, every: bool = False) -> Sequence[KeptView]:
        """What is kept and nobody believes."""
        query = {"every": "true" if every else None}
        return await self._get(list[KeptView], "/quarantine", query)

    async def quarantine_show(self, kept: str) -> KeptView:
        """One."""
        return await self._get(KeptView, f"/quarantine/{part(kept)}")

    async def quarantine_drop(self, kept: str) -> KeptView:
        """Destroys its bytes."""
        return await self._post(KeptView, f"/quarantine/{part(kept)}/drop")

    async def quarantine_admit(self, kept: str, deal: str, person: str, by: str) -> EnrolmentView:
        """Begins a person's enrolment on a stranger's channel."""
        body = {"deal": deal, "person": person, "by": by}
        return await self._post(EnrolmentView, f"/quarantine/{part(kept)}/admit", body)

    async def conv_list(self, deal: str) -> Sequence[ConversationView]:
        """All conversations of a deal."""
        return await self._get(list[ConversationView], f"{deal_path(deal)}/conversations")

    async def conv_show(self, deal: str, name: str) -> ConversationView:
        """One conversation, by label or id."""
        return await self._get(ConversationView, _conv(deal, name))

    async def conv_new(self, deal: str, new: NewConversation) -> ConversationView:
        """Makes a room, hardens it, invites and reads back."""
        body = TypeAdapter(NewConversation).dump_python(new, mode="json")
        return await self._post(ConversationView, f"{deal_path(deal)}/conversations", body)

    async def conv_room_add(self, deal: str, name: str, new: NewRoom) -> ConversationView:
        """Makes the rooms of one more channel, or an alternate to a room."""
        body = TypeAdapter(NewRoom).dump_python(new, mode="json")
        return await self._post(ConversationView, f"{_conv(deal, name)}/rooms", body)

    async def conv_attest(
        self, deal: str, room: str, guarantee: str, value: int | None, *, by: str
    ) -> ConversationView:
        """Records what a named person saw."""
        body = {"room": room, "guarantee": guarantee, "value": value, "by": by}
        return await self._post(ConversationView, f"{deal_path(deal)}/attestations", body)

    async def conv_pause(self, deal: str, name: str, reason: str) -> ConversationView:
        """Stops what we send there."""
        return await self._post(ConversationView, f"{_conv(deal, name)}/pause", {"reason": reason})

    async def conv_resume(self, deal: str, name: str) -> ConversationView:
        """Lets it go on where a fresh reading allows it."""
        return await self._post(ConversationView, f"{_conv(deal, name)}/resume")

    async def send_text(self, deal: str, post: Post, text: str) -> Sent:
        """Hands a text in."""
        body = {
            "person": post.person,
            "conversation": post.conversation,
            "key": post.key,
            "text": text,
        }
        return await self._post(Sent, f"{deal_path(deal)}/messages", body)

    async def send_file(self, deal: str, post: Post, data: AsyncIterator[bytes]) -> Sent:
        """Hands ``post.file`` in, in pieces."""
        answer = await self._http.post(
            f"{self._base}{deal_path(deal)}/files",
            content=data,
            headers=_file_headers(post),
            timeout=None,
        )
        await refuse(answer)
        return read(Sent, answer.json())

    async def document_send(self, deal: str, post: Post, data: AsyncIterator[bytes]) -> Sent:
        """Hands ``post.file`` in for ``post.readers``, in pieces."""
        answer = await self._http.post(
            f"{self._base}{deal_path(deal)}/documents",
            content=data,
            headers=_file_headers(post)
            | {"wallcross-readers": quote(",".join(post.readers))}
            | ({"wallcross-seals": "yes"} if post.seals else {}),
            timeout=None,
        )
        await refuse(answer)
        return read(Sent, answer.json())

    async def document_list(self, deal: str) -> Sequence[DocumentView]:
        """The deal's documents, newest first."""
        return await self._get(list[DocumentView], f"{deal_path(deal)}/documents")

    async def document_show(self, message: str) -> DocumentView:
        """One, with what became of each copy."""
        return await self._get(DocumentView, f"/documents/{part(message)}")

    async def message_show(self, message: str) -> MessageView:
        """Where a message stands."""
        return await self._get(MessageView, f"/messages/{part(message)}")

    async def held_list(self, deal: str | None) -> Sequence[HeldView]:
        """What waits."""
        return await self._get(list[HeldView], "/held", {"deal": deal})

    async def held_move(self, message: str, conversation: str) -> HeldView:
        """Into the same or a stricter conversation."""
        body = {"conversation": conversation}
        return await self._post(HeldView, f"/held/{part(message)}/move", body)

    async def held_drop(self, message: str) -> HeldView:
        """Never to be sent."""
        return await self._post(HeldView, f"/held/{part(message)}/drop")

    async def held_release(self, message: str) -> HeldView:
        """As it was addressed."""
        return await self._post(HeldView, f"/held/{part(message)}/release")

    async def delivery_list(
        self, deal: str | None, state: Literal["dead", "possibly"]
    ) -> Sequence[DeliveryView]:
        """Deliveries that a person must look at."""
        query = {"deal": deal, "state": state}
        return await self._get(list[DeliveryView], "/deliveries", query)

    async def delivery_retry(self, delivery: str) -> DeliveryView:
        """Queues one again, marked."""
        return await self._post(DeliveryView, f"/deliveries/{part(delivery)}/retry")

    async def key_list(self, deal: str, person: str | None) -> Sequence[KeyView]:
        """The newest state of each device."""
        return await self._get(list[KeyView], f"{deal_path(deal)}/keys", {"person": person})

    async def key_verify(
        self,
        deal: str,
        person: str,
        by_a: str,
        by_b: str,
        compared: Sequence[str] | None = None,
        words: str | None = None,
        replaces: str | None = None,
    ) -> Sequence[KeyView]:
        """Records a ceremony of two people over the keys that they compared, or read out."""
        path = f"{deal_path(deal)}/keys/{part(person)}/verify"
        given = None if compared is None else list(compared)
        body = {"by_a": by_a, "by_b": by_b, "compared": given, "words": words}
        body |= {"replaces": replaces}
        return await self._post(list[KeyView], path, body)

    async def key_add(
        self, deal: str, person: str, armour: str, channel: str | None = None
    ) -> KeyView:
        """Takes a person's certificate in as a proposal."""
        body = {"channel": channel, "armour": armour}
        return await self._post(KeyView, f"{deal_path(deal)}/keys/{part(person)}/add", body)

    async def key_export(self, channel: str | None = None) -> str:
        """Our own certificate in armour."""
        return await self._get(str, "/channels/certificate", {"channel": channel})

    async def key_mark(
        self, deal: str, person: str, device: str, event: Literal["revoke", "compromise"]
    ) -> KeyView:
        """Takes a device out for ever."""
        path = f"{deal_path(deal)}/keys/{part(person)}/mark"
        return await self._post(KeyView, path, {"device": device, "event": event})

    async def leave(self, deal: str, person: str, reason: str, *, wait: bool = True) -> LeaveView:
        """Takes somebody out of everything, at once; ``wait``: it answers when that was seen."""
        body = {"reason": reason, "wait": wait}
        return await self._post(LeaveView, _leave(deal, person), body)

    async def leave_list(self, deal: str) -> Sequence[LeaveView]:
        """Every leave, newest first."""
        return await self._get(list[LeaveView], f"{deal_path(deal)}/leaves")

    async def leave_show(self, deal: str, person: str) -> LeaveView:
        """Somebody's last leave."""
        return await self._get(LeaveView, _leave(deal, person))

    async def leave_undo(self, deal: str, person: str) -> LeaveView:
        """Brings somebody back, in time and by two."""
        return await self._post(LeaveView, f"{_leave(deal, person)}/undo")

    def leave_proof(self, deal: str, person: str) -> AsyncIterator[bytes]:
        """The signed proof of a leave, a tar archive in pieces."""
        return self._pieces(f"{_leave(deal, person)}/proof")

    async def person_lost(self, deal: str, person: str, device: str) -> LostView:
        """Takes a lost device out for good."""
        return await self._post(LostView, f"{_person(deal, person)}/lost", {"device": device})

    async def channel_list(self) -> Sequence[ChannelView]:
        """Every configured channel."""
        return await self._get(list[ChannelView], "/channels")

    async def channel_test(self, name: str, real_server: str | None = None) -> ChannelTest:
        """The safe live check, recorded."""
        body = {"real_server": real_server}
        return await self._post(ChannelTest, f"/channels/{part(name)}/test", body)

    async def channel_pause(self, name: str, reason: str) -> ChannelView:
        """Stops what we send there."""
        path = f"/channels/{part(name)}/pause"
        return await self._post(ChannelView, path, {"reason": reason})

    async def channel_resume(self, name: str) -> ChannelView:
        """Lets it go on."""
        return await self._post(ChannelView, f"/channels/{part(name)}/resume")

    async def audit_tail(self, deal: str, count: int) -> Sequence[AuditLine]:
        """The newest entries, oldest first."""
        return await self._get(list[AuditLine], f"{deal_path(deal)}/audit", {"count": str(count)})

    async def audit_verify(self, deal: str) -> AuditReport:
        """Whether the chain, its heads and its anchors hold."""
        return await self._get(AuditReport, f"{deal_path(deal)}/audit/check")

    def audit_lines(self, deal: str) -> AsyncIterator[bytes]:
        """The chain as it stands, one JSON object a line, in pieces."""
        return self._pieces(f"{deal_path(deal)}/audit/lines", method="GET")

    def audit_export(self, deal: str) -> AsyncIterator[bytes]:
        """The export, a tar archive in pieces; itself an entry."""
        return self._pieces(f"{deal_path(deal)}/audit/export")

    async def audit_state(self, deal: str) -> StateReport:
        """Whether every row that permits is as the chain states it."""
        return await self._get(StateReport, f"{deal_path(deal)}/audit/state")

    async def evidence_show(self, deal: str, conversation: str | None = None) -> EvidenceView:
        """Each control of each room."""
        asked = {} if conversation is None else {"conversation": conversation}
        return await self._get(EvidenceView, f"{deal_path(deal)}/evidence", asked)

    def evidence_export(self, deal: str) -> AsyncIterator[bytes]:
        """A signed pack, a tar archive in pieces; itself an entry."""
        return self._pieces(f"{deal_path(deal)}/evidence/export")

    async def journal_verify(self, deal: str) -> JournalReport:
        """Whether every accepted message is accounted for."""
        return await self._get(JournalReport, f"{deal_path(deal)}/journal/check")

    async def journal_key_add(self, deal: str, scope: str, public: str) -> str:
        """Adopts a public key; answers its id."""
        body = {"scope": scope, "public": public}
        return await self._post(str, f"{deal_path(deal)}/journal/keys", body)

    async def journal_exempt(self, deal: str, decision: str) -> int:
        """Records counsel's signed decision; answers its number."""
        body = {"decision": decision}
        return await self._post(int, f"{deal_path(deal)}/journal/exemptions", body)

    def journal_export(self, deal: str) -> AsyncIterator[bytes]:
        """The sealed journal, a tar archive in pieces."""
        return self._pieces(f"{deal_path(deal)}/journal/export")

    async def tier_explain(self, deal: str, text: str, floor: str) -> dict[str, Any]:
        """Tier, strength and places of a text, with the deal's watch list."""
        body = {"text": text, "floor": floor}
        return await self._post(dict[str, Any], f"{deal_path(deal)}/tiers/explain", body)

    async def plan(self, deal: str) -> PlanView:
        """Where the channels differ from the roster; changes nothing."""
        return await self._post(PlanView, f"{deal_path(deal)}/plans")

    async def plan_apply(
        self, deal: str, plan: str, document: str | None
    ) -> AsyncIterator[DoneLine]:
        """Carries a plan out; yields what became of each act."""
        path = f"{self._base}{deal_path(deal)}/plans/{part(plan)}/apply"
        body = {"document": document}
        async with self._http.stream("POST", path, json=body, timeout=None) as answer:
            await refuse(answer)
            async for line in answer.aiter_lines():
                yield read(DoneLine, json.loads(line))

    async def plan_start(self, deal: str, plan: str) -> PlanRunView:
        """Begins to carry out a plan; it runs to its end, whoever looks on."""
        return await self._post(PlanRunView, f"{deal_path(deal)}/plans/{part(plan)}/start")

    async def plan_run(self, deal: str, plan: str) -> PlanRunView:
        """How far a plan is that was begun; ``plan`` is its whole name."""
        return await self._get(PlanRunView, f"{deal_path(deal)}/plans/{part(plan)}/run")

    async def watch_size(self, deal: str) -> int:
        """How many entries the watch list has."""
        return await self._get(int, f"{deal_path(deal)}/watch-list")

    async def watch_add(self, deal: str, names: list[str], amounts: list[str]) -> int:
        """Adds to the watch list; answers how many entries there are."""
        body = {"names": names, "amounts": amounts}
        return await self._post(int, f"{deal_path(deal)}/watch-list", body)

    async def replay_start(self, deal: str | None, *, sample: bool) -> str:
        """Makes ready a run; answers its id."""
        return await self._post(str, "/replays", {"deal": deal, "sample": sample})

    async def replay_accept(self, run: str, rows: Iterable[Row]) -> Taken:
        """Hands rows in."""
        body = {"rows": TypeAdapter(list[Row]).dump_python(list(rows), mode="json")}
        return await self._post(Taken, f"/replays/{part(run)}/rows", body)

    async def replay_report(self, run: str) -> ReplayReport:
        """Where they stand."""
        return await self._get(ReplayReport, f"/replays/{part(run)}")


def _when(at: int, known_at: int | None) -> dict[str, str | None]:
    return {"at": str(at), "known_at": None if known_at is None else str(known_at)}


def _leave(deal: str, person: str) -> str:
    return f"{deal_path(deal)}/leaves/{part(person)}"


def _person(deal: str, person: str) -> str:
    return f"{deal_path(deal)}/people/{part(person)}"


def _key(new: NewCredential) -> dict[str, Any]:
    return {
        "person": new.person,
        "way": new.way,
        "public": new.public,
        "roles": list(new.roles),
        "ties": list(new.ties),
    }


def _conv(deal: str, name: str) -> str:
    return f"{deal_path(deal)}/conversations/{part(name)}"


def _file_headers(post: Post) -> dict[str, str]:
    if post.file is None:
        raise ValueError("a file is handed in with its name and size")
    named = {
        "wallcross-person": post.person,
        "wallcross-conversation": post.conversation,
        "wallcross-key": post.key,
        "wallcross-name": post.file.name,
    }
    known = {name: quote(value, safe="") for name, value in named.items() if value is not None}
    return known | {"content-length": str(post.file.size), "content-type": post.file.media_type}
