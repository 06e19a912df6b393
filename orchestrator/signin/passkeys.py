"""Signing in with a passkey, proving oneself again with it, and making a new one a login.

Rules kept here (W3C Web Authentication Level 3, sections 7.1 and 7.2):

1. The challenge is ours, for this purpose and session, once and soon; origin and relying party are
   those of the desk's own page; its owner was present and was verified.
2. Whose it is, is what a chain binds, and what a credential says that people agreed to. A passkey
   that signs for several deals is checked against the public key of each.
3. What it counts goes up: else there may be a second of it, and it signs nobody in.
4. A new one is bound by whoever proved himself within the last minutes, to what he is already. That
   its key is his is not shown by making it: a key that is known here, under any handle, is bound to
   nobody, else whoever holds it would be signed in as whoever copied it out of the record.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from fido2.utils import websafe_decode
from fido2.webauthn import AttestationObject, CollectedClientData

from orchestrator.approvals import passkey as webauthn
from orchestrator.approvals.errors import BadSignature, NoKey
from orchestrator.client.problems import Refused
from orchestrator.config.site import Site
from orchestrator.deals.book import HOME
from orchestrator.signin.challenges import Challenge, Challenges, Purpose
from orchestrator.signin.keeper import STILL, Keeper
from orchestrator.signin.logins import OWNER, Passkey
from orchestrator.signin.seats import Held
from orchestrator.signin.sessions import Session, Who
from tiers.ids import DealId, PersonId

_UNREADABLE = (KeyError, TypeError, ValueError, IndexError, AttributeError, RecursionError)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a page asks a browser for: the challenge, and the passkeys that will do (none: any)."""

    challenge: Challenge
    handles: tuple[bytes, ...]


class Passkeys:
    """Signs in by passkeys.

    Args:
        keeper: of sessions.
        challenges: that wait.
        site: the desk's own page.
    """

    def __init__(self, keeper: Keeper, challenges: Challenges, site: Site) -> None:
        self._keeper = keeper
        self._challenges = challenges
        self._site = site
        self._counts: dict[str, int] = {}

    async def ask(self, purpose: Purpose, current: Session | None) -> Asked:
        """Makes a challenge.

        To sign with: who is signed in is asked for his own passkeys, nobody else's are named.
        To make one: his own are those that are there already.
        """
        await self._keeper.seats.refresh()
        session = None if current is None else current.session_id
        own = () if current is None else tuple(h.passkey.handle for h in self._own(current))
        return Asked(self._challenges.make(purpose, session), tuple(dict.fromkeys(own)))

    def _own(self, session: Session) -> Iterable[Held]:
        seats = self._keeper.seats
        for held in seats.passkeys():
            at_home = held.deal == HOME and seats.runs_home(session)
            if at_home or (held.deal != HOME and seats.person(session, held.deal) == held.person):
                yield held

    async def sign_in(
        self, challenge_id: str, answer: str, current: Session | None
    ) -> tuple[str, Session]:
        """Signs somebody in, or notes that whoever is signed in proved himself again.

        Returns:
            the session's secret, new in any case, and the session.

        Raises:
            Refused: the challenge is void, or no passkey that is known signed it.
        """
        session = None if current is None else current.session_id
        asked = self._taken(challenge_id, "get", session)
        await self._keeper.seats.refresh()
        shown = self._verified(asked.message, answer)
        if not shown:
            raise Refused("This passkey is not known here", still=STILL, then="open your link")
        proven = frozenset(h.credential for h in shown if h.credential is not None)
        if current is not None and any(h in shown for h in self._own(current)):
            return await self._keeper.raise_up(current, proven)
        home = next((h for h in shown if h.deal == HOME), None)
        login = shown[0].passkey.login
        actor = None if home is None else home.by
        who = Who("passkey", login=login, proven=proven, actor=actor)
        return await self._keeper.begin(who, instead_of=current)

    def _taken(self, challenge_id: str, purpose: Purpose, session: str | None) -> Challenge:
        asked = self._challenges.take(challenge_id, purpose, session)
        if asked is None:
            raise Refused("This took too long, or was answered before", still=STILL, then="again")
        return asked

    def _verified(self, message: bytes, answer: str) -> Sequence[Held]:
        """Whose passkey signed; all of them are the one with that public key."""
        handle = _handle(answer)
        signature, client, authenticator = webauthn.read_signed(answer)
        found, counted = [], 0
        for held in self._keeper.seats.passkeys():
            own = held.passkey
            if own.handle != handle:
                continue
            try:
                count = webauthn.verify(
                    own.public,
                    own.rp,
                    own.origin,
                    message,
                    signature=signature,
                    client=client,
                    authenticator=authenticator,
                )
            except BadSignature:
                continue
            found.append(held)
            counted = max(counted, count)
        return self._counting(found, counted)

    def _counting(self, found: Sequence[Held], count: int) -> Sequence[Held]:
        """Those that signed, unless their count did not go up."""
        if not found:
            return ()
        login = found[0].passkey.login
        before = max(self._counts.get(login, 0), *(held.count for held in found))
        if (count or before) and count <= before:
            raise Refused(
                "The count of this passkey did not go up: there may be a copy of it", still=STILL
            )
        self._counts[login] = count
        return found

    async def add(self, challenge_id: str, answer: str, current: Session) -> Sequence[str]:
        """Makes a new passkey a login of whoever is signed in; returns the chains that say so.

        Raises:
            Refused: the challenge is void, it was made for another page, or he is nobody yet.
        """
        asked = self._taken(challenge_id, "create", current.session_id)
        await self._keeper.seats.refresh()
        made = self._made(asked.message, answer)
        known = [held.passkey for held in self._keeper.seats.passkeys()]
        if any(made.handle == one.handle or made.public == one.public for one in known):
            raise Refused("This passkey is known already", still="Nothing was changed")
        people = self._people(current)
        if not people:
            raise Refused("You are nobody here yet", still="Nothing was changed")
        await self._keeper.bind_passkey(current, people, made)
        return [deal for deal, _ in people]

    def _people(self, session: Session) -> list[tuple[DealId, PersonId]]:
        seats = self._keeper.seats
        if seats.runs_home(session):
            return [(HOME, OWNER)]
        viewer = seats.viewer(session, stepped_up=False)
        return [(d, s.person) for d, s in viewer.seats.items() if s.person is not None]

    def _made(self, message: bytes, answer: str) -> Passkey:
        made = webauthn.read_made(answer)
        try:
            response = json.loads(answer)["response"]
            client = CollectedClientData(websafe_decode(response["clientDataJSON"]))
            data = AttestationObject(websafe_decode(response["attestationObject"])).auth_data
            fits = (
                client.type == CollectedClientData.TYPE.CREATE
                and client.challenge == message
                and client.origin == self._site.origin
                and not client.cross_origin
                and data.rp_id_hash == sha256(self._site.rp_id.encode()).digest()
                and data.is_user_present()
                and data.is_user_verified()
            )
        except _UNREADABLE:
            fits = False
        if not fits:
            raise NoKey("this passkey was not made for this page, or did not verify its owner")
        rp, origin = (sha256(t.encode()).hexdigest() for t in (self._site.rp_id, self._site.origin))
        return Passkey(made.kind, made.public, made.handle, rp, origin)


def _handle(answer: str) -> bytes:
    """The credential id of what ``navigator.credentials.get()`` answered. Raises: BadSignature."""
    try:
        return websafe_decode(json.loads(answer)["id"])
    except _UNREADABLE:
        raise BadSignature("this is no answer of a passkey as a browser hands it over") from None
