"""A small office to try a deal of one's own on: a homeserver, a mail server, twelve made-up people.

Rules kept here:

1. The far side alone: it gets nothing of a home but over the networks' own protocols, and the one
   certificate that its user hands over. Loopback only; what was started ends with it.
2. What a person's screen shows is written to that person's file in the office's own folder,
   owner-only: whoever runs an office plays everybody in it.
"""

import asyncio
import base64
import json
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from connectors.port.words import words_for
from orchestrator.demo import halcyon
from orchestrator.demo.adviser import Adviser, GpgFailed, Opened
from orchestrator.demo.farside import Person, Refused
from orchestrator.demo.mailside import OURS, MailSide, address_of
from orchestrator.demo.stage import BOT, CHANNEL, MAIL, on_matrix, user_of
from orchestrator.demo.synapse import Homeserver
from orchestrator.demo.whole import broken_off, in_full, whole
from orchestrator.roster.write import write_roster
from tiers.ids import AccountId, ConnectorName, PersonId
from tiers.people import Grant, Roster
from tiers.tier import Tier

ADVISER: Final = "laura-penn"
CAST: Final = (
    *("farid-novak", "greta-bergmann", "hana-ferri", "viktor-sand", "ximena-park"),
    *("idris-costa", "jonas-lind", "mei-tanaka"),
    *("noor-ivanova", "oscar-brandt", "tara-quinn"),
    ADVISER,
)
"""Five who see valuation, three operations, three coordination; an adviser, by mail alone."""
OUR_CERTIFICATE: Final = "wallcross.asc"
"""What `wallcross key export` writes, for the adviser to take in."""
_WHOLE = "-----END PGP PUBLIC KEY BLOCK-----"
_LOOK_EVERY_S = 0.5
_SYNC_S = 5.0
_CHANNELS = """\
[channels.matrix]
kind = "matrix"
settings = {{ homeserver = {url}, user = {bot}, sync_wait = 5 }}
secrets = {{ password = {password}, pickle_key = {pickle} }}

[channels.mail]
kind = "pgpmail"
secrets = {{ passphrase = {phrase}, smtp_password = {password} }}

[channels.mail.settings]
{mail}
"""


def office(
    folder: Path, say: Callable[[str], None], ready: Callable[[dict[str, str]], None]
) -> None:
    """Runs an office until it is told to end.

    Args:
        folder: for all that its user needs; made, and kept.
        say: told each sentence for people.
        ready: told where what is, once everything runs.

    Raises:
        NoSynapse: there is no homeserver here, with what to do.
        RuntimeError: the mail server did not start.
    """
    asyncio.run(_Office(folder, say, ready).run())


@dataclass
class _Office:
    folder: Path
    say: Callable[[str], None]
    ready: Callable[[dict[str, str]], None]
    people: dict[str, Person] = field(default_factory=dict)
    shown: dict[str, int] = field(default_factory=dict)
    password: str = field(default_factory=lambda: secrets.token_urlsafe(16), repr=False)

    def __post_init__(self) -> None:
        self.folder = self.folder.absolute()
        self.server = Homeserver(self.folder / "homeserver")
        self.mail = MailSide(self.password, secrets.token_urlsafe(16))

    async def run(self) -> None:
        try:
            with broken_off(lambda: self.say("The office closes.")):
                await self._open()
                await asyncio.gather(*map(self._on_screen, self.people), self._mails())
        except KeyboardInterrupt:
            return
        finally:
            await in_full(self._close())

    async def _open(self) -> None:
        for name in ("", "screens", "advisers", "roster"):
            (self.folder / name).mkdir(mode=0o700, parents=True, exist_ok=True)
        await whole(self.server.start)
        await whole(self._register)
        await self.mail.open([ADVISER])
        for person in CAST:
            if person != ADVISER:
                place = self.folder / "phones" / person
                phone = Person(self.server.url, user_of(person), self.password, place)
                self.people[person] = phone
        await asyncio.gather(*(phone.open() for phone in self.people.values()))
        for name, data in write_roster(roster()).items():
            (self.folder / "roster" / name).write_bytes(data)
        self.ready(self._written())

    def _register(self) -> None:
        for name in ("wallcross", *CAST):
            self.server.register(name, self.password)

    def _written(self) -> dict[str, str]:
        """Writes what the user of the office takes from it; answers where."""
        adviser = self.mail.advisers[ADVISER]
        pickle = base64.b64encode(secrets.token_bytes(32)).decode()
        values = {
            "url": self.server.url,
            "bot": BOT,
            "password": f"file:{self._own('password', self.password)}",
            "pickle": f"file:{self._own('pickle', pickle)}",
            "phrase": f"file:{self._own('phrase', self.mail.passphrase)}",
        }
        quoted = {name: json.dumps(value) for name, value in values.items()}
        channels = _CHANNELS.format(mail=self.mail.settings(), **quoted)
        return {
            "homeserver": self.server.url,
            "channels": str(self._own("channels.toml", channels)),
            "roster": str(self.folder / "roster"),
            "screens": str(self.folder / "screens"),
            "adviser": str(self._own(f"advisers/{ADVISER}.asc", adviser.certificate())),
            "ours_goes_to": str(self.folder / "advisers" / OUR_CERTIFICATE),
        }

    def _own(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.touch(0o600)
        path.write_text(text)
        return path

    async def _close(self) -> None:
        for phone in self.people.values():
            await phone.close()
        await self.mail.close()
        await whole(self.server.stop)

    # --- screens ----------------------------------------------------------------------------------

    async def _on_screen(self, person: str) -> None:
        """One phone: goes where it is asked to, and shows what it gets."""
        phone = self.people[person]
        device, key = phone.device
        self._show(person, f"{device}, its words: {' '.join(words_for(key))}")
        while True:
            await phone.sync(wait=_SYNC_S)
            for room in sorted(phone.invitations()):
                await self._goes_in(person, room)
            seen = phone.seen[self.shown.get(person, 0) :]
            self.shown[person] = len(phone.seen)
            for event in seen:
                self._show(person, f"{event.room} {event.sender}: {event.body}")

    async def _goes_in(self, person: str, room: str) -> None:
        try:
            await self.people[person].join(room)
        except Refused as error:
            self._show(person, f"{room}: not let in ({error.code})")
        else:
            self._show(person, f"{room}: went in")

    async def _mails(self) -> None:
        """The adviser's desk: opens what comes with gpg, and keeps its files beside the screen."""
        adviser, known = self.mail.advisers[ADVISER], set[str]()
        while True:
            await self._take_ours(adviser)
            for mail in await whole(adviser.open_all):
                if mail.message_id not in known:
                    known.add(mail.message_id)
                    self._show_mail(adviser, mail)
            await asyncio.sleep(_LOOK_EVERY_S)

    async def _take_ours(self, adviser: Adviser) -> None:
        """Takes our certificate in, once all of it is written."""
        path = self.folder / "advisers" / OUR_CERTIFICATE
        if not await whole(path.exists):
            return
        armour = await whole(path.read_text)
        if not armour.rstrip().endswith(_WHOLE):
            return
        try:
            key = await whole(adviser.take, armour)
        except GpgFailed:
            key = ""
        await whole(path.unlink)
        said = f"has the certificate of {OURS}: {key}" if key else "could not take it in"
        self._show(ADVISER, said)

    def _show_mail(self, adviser: Adviser, mail: Opened) -> None:
        signed = f"signed by {mail.signer}" if mail.signer else "NOT SIGNED by anybody known"
        self._show(adviser.person, f"a mail, {signed}: {mail.subject}\n{mail.text}")
        for number, (_, data) in enumerate(mail.files, 1):
            place = self._next(self.folder / "screens", adviser.person)
            place.touch(0o600)
            place.write_bytes(data)
            self._show(adviser.person, f"file {number} of it is {place}")

    @staticmethod
    def _next(folder: Path, person: str) -> Path:
        """A new name of ours: what a mail calls its file is data."""
        return next(
            path for n in range(1, 10_000) if not (path := folder / f"{person}.file-{n}").exists()
        )

    def _show(self, person: str, text: str) -> None:
        path = self.folder / "screens" / f"{person}.txt"
        path.touch(0o600)
        with path.open("a", encoding="utf-8") as screen:
            screen.write(f"{text}\n")


def roster() -> Roster:
    """Who is in the office, as a list that can be imported."""
    everybody = halcyon.roster(_accounts)
    people = tuple(p for p in everybody.people if p.person_id in CAST)
    sides = {p.side for p in people} | {everybody.host}
    return replace(
        everybody,
        people=people,
        sides=tuple(s for s in everybody.sides if s.side_id in sides),
        grants=tuple(_grants(everybody)),
    )


def _grants(everybody: Roster) -> Iterator[Grant]:
    for grant in everybody.grants:
        if grant.person_id in CAST:
            outside = grant.person_id == ADVISER
            yield replace(grant, highest=Tier.OPERATIONS) if outside else grant


def _accounts(person: PersonId) -> dict[ConnectorName, AccountId]:
    if person == ADVISER:
        return {MAIL: AccountId(address_of(person))}
    return {CHANNEL: on_matrix(person)[CHANNEL]}
