"""An adviser hands in his certificate, without an account, by a link that he was given.

Rules kept here:

1. What comes in is a proposal and nothing more: it is sealed to once two people have compared it
   with its owner. Whoever gets hold of a link can propose a key, and not make it count.
2. A link is for one person of one deal, for a day; a newer one voids it; one certificate that was
   taken in uses it up, and so do five that were not. It lives in this process alone.
3. Whoever guesses is told the same as whoever is late, and a few times a minute.
"""

from dataclasses import dataclass

from connectors.port.words import words_for
from orchestrator.client.documents_desk import KeyAsked, KeyLink, KeyTaken
from orchestrator.client.problems import Missing, Refused
from orchestrator.clock import DAY, MINUTE
from orchestrator.command.documents_desk import DocumentsDesk
from orchestrator.command.keys import Keys
from orchestrator.command.runtime import Runtime
from orchestrator.deals.book import DealView
from orchestrator.signin.secret import digest, new_secret
from tiers.ids import DealId, PersonId
from tiers.rights import Viewer

LASTS = DAY
TRIES = 5
GUESSES = 30
"""Secrets that lead nowhere, of everybody together, within a minute."""
MOST = 1_000
STILL = "No key was changed."


@dataclass(slots=True)
class _Link:
    deal: DealId
    person: PersonId
    until: int
    tries: int = TRIES


@dataclass(slots=True)
class _Guesses:
    began: int = 0
    count: int = 0


class KeyUpload(DocumentsDesk):
    """Implements ``orchestrator.api.port_documents_desk.KeyUploadAccess``."""

    def __init__(self, runtime: Runtime) -> None:
        super().__init__(runtime)
        self._key_links: dict[bytes, _Link] = {}
        self._guesses = _Guesses()

    async def key_link(self, deal: DealId, person: PersonId, viewer: Viewer) -> KeyLink:
        """Makes a one-time link for somebody's certificate; an older one is void."""
        del viewer  # that he may was decided before; what comes of it two compare
        view = self._r.book.deals.get(deal)
        if view is None or view.roster.person(person) is None:
            raise Missing(f"{person} is not on the roster", still=STILL)
        kept = {
            h: link
            for h, link in self._key_links.items()
            if (link.deal, link.person) != (deal, person) and self._r.now() < link.until
        }
        while len(kept) >= MOST:
            kept.pop(next(iter(kept)))
        secret, until = new_secret(), self._r.now() + LASTS
        self._key_links = {**kept, digest(secret): _Link(deal, person, until)}
        return KeyLink(person=person, path=f"/key/#{secret}", until=until)

    async def key_upload_look(self, secret: str) -> KeyAsked:
        """What a link asks for, to whoever holds it."""
        _, link = self._key_link_of(secret)
        view, name = self._of_link(link)
        side = view.roster.side(view.roster.host)
        host = "" if side is None else side.name
        return KeyAsked(name=name, code=view.code, host=host, until=link.until)

    async def key_upload(self, secret: str, armour: str) -> KeyTaken:
        """Takes a certificate in as a proposal; the link is used up by it."""
        kept, link = self._key_link_of(secret)
        self._of_link(link)
        link.tries -= 1
        if link.tries <= 0:
            self._key_links.pop(kept, None)
        key = await Keys(self._r).key_add(
            link.deal, link.person, None, armour.encode(), actor=f"key-link:{link.person}"
        )
        self._key_links.pop(kept, None)
        return KeyTaken(fingerprint=key.key, words=words_for(key.key))

    def _key_link_of(self, secret: str) -> tuple[bytes, _Link]:
        at, kept = self._r.now(), digest(secret)
        link = self._key_links.get(kept)
        if link is not None and at < link.until:
            return kept, link
        if not 0 <= at - self._guesses.began < MINUTE:
            self._guesses = _Guesses(at)
        self._guesses.count += 1
        if self._guesses.count > GUESSES:
            raise Refused("Too many links were tried; wait a minute", still=STILL)
        raise Missing(
            "This link is not good any more, or never was",
            still=STILL,
            then="ask whoever sent it for a new one, by telephone",
        )

    def _of_link(self, link: _Link) -> tuple[DealView, str]:
        """The deal and the name of a link's person, while he is on the roster in force."""
        view = self._r.book.deals.get(link.deal)
        found = None if view is None else view.roster.person(link.person)
        if view is None or found is None:
            raise Missing("This link is not good any more, or never was", still=STILL)
        return view, found.name
