"""What a company's directory says of its people: it takes out at once, and lets nobody in.

Rules kept here:

1. Whom a directory says to be gone is paused in every deal that lists him, as ``person pause`` does
   it, and signed out; only then is it noted that he is gone. What fails in between is done when
   the directory says it again.
2. Nothing that a directory says gives anybody a seat, ends a pause, or binds a login: people agree
   to rosters. Whom it names is known, and no more. Groups give nothing and take nothing.
3. It learns of no deal: neither an answer nor a refusal says whether somebody is on one.
4. Who is meant is found by the provider's subject (``externalId``) and by accounts on a roster
   (``userName``). Being mistaken for somebody costs him a pause, and never gives anything.
5. One token pauses so many people an hour and no more (``rooms.distress``); their sessions end
   all the same. The same said twice is done once.
"""

from collections.abc import Sequence
from dataclasses import replace

from orchestrator.client.directory import Identity, IdentityKind, KnownView
from orchestrator.client.problems import Missing, Problem, Refused, TooOften, Waits, Wrong
from orchestrator.command import directory_rows as rows
from orchestrator.command.directory_rows import Where
from orchestrator.command.own_logins import OwnLogins
from orchestrator.deals.book import DealView
from orchestrator.ids import new_id
from orchestrator.signin.logins import subject_login
from orchestrator.store.unit import Tx
from tiers.ids import PersonId
from tiers.people import Person

WHY = "directory"
"""Why somebody is paused whom a directory says to be gone."""
LONGEST = 255
"""Characters of a name or id."""
MOST, MOST_MEMBERS = 20_000, 1_000
"""Identities that are kept, and members of one group."""
KINDS: tuple[IdentityKind, ...] = ("user", "group")
STILL = "Nothing was changed"
Meant = list[tuple[DealView, Person]]


class Taken(Problem):
    """Another identity has that name (RFC 7644, 3.12: ``uniqueness``)."""

    kind, status, exit_code = "refused", 409, 5
    code = "uniqueness"


class Changed(Problem):
    """It was changed since whoever asks read it (RFC 7644, 3.14)."""

    kind, status, exit_code = "busy", 412, 1


class Directory(OwnLogins):
    """Implements ``orchestrator.api.port_directory.DirectoryAccess``."""

    async def directory_list(self) -> Sequence[KnownView]:
        """Everybody whom a directory named, with who he is on our lists."""

        def read(tx: Tx) -> list[Identity]:
            return [i for kind in KINDS for i in rows.find(tx, kind, None)[1]]

        await self.keeper.seats.refresh()
        return [self._known(i) for i in await self._r.store.read(read)]

    async def directory_find(
        self, kind: IdentityKind, where: Where, first: int, most: int
    ) -> tuple[int, Sequence[Identity]]:
        """How many fit, and ``most`` of them from the ``first`` on, counted from 0."""
        return await self._r.store.read(
            lambda tx: rows.find(tx, kind, where, first=first, most=most)
        )

    async def directory_show(self, kind: IdentityKind, identity: str) -> Identity:
        """One. Raises: Missing."""
        found = await self._r.store.read(lambda tx: rows.one(tx, kind, identity))
        if found is None:
            raise _missing()
        return found

    async def directory_new(self, new: Identity, *, actor: str) -> Identity:
        """Notes somebody new. Raises: Taken, Wrong, Refused."""
        _check(new)
        at = self._r.now()
        made = replace(new, identity_id=new_id("idn"), version=1, made_at=at, changed_at=at)

        def unit(tx: Tx) -> Identity:
            if rows.find(tx, new.kind, None, most=0)[0] >= MOST:
                raise Refused(f"More than {MOST} are not kept", still=STILL)
            _free(tx, made)
            _members(tx, made)
            rows.put(tx, made, "known" if made.active else "inactive", actor=actor)
            return made

        await self._r.store.read(lambda tx: _free(tx, made))
        if not made.active:
            await self._narrow(made, actor)
        return await self._r.store.write(unit)

    async def directory_change(
        self, before: Identity, after: Identity, *, version: int | None, actor: str
    ) -> Identity:
        """Notes what is said of somebody now.

        Args:
            before: as it was read.
            after: as it is to be; its id, kind and instants are those of ``before``.
            version: that the directory knows; None: whichever.
            actor: which directory.

        Raises:
            Missing, Changed, Taken, Wrong: nothing was noted.
            TooOften: he is signed out, and not paused yet.
        """
        _check(after)
        if version is not None and version != before.version:
            raise _changed()
        made = replace(after, version=before.version + 1, changed_at=self._r.now())

        def unit(tx: Tx) -> Identity:
            stands = rows.one(tx, before.kind, before.identity_id)
            if stands is None:
                raise _missing()
            if stands.version != before.version:
                raise _changed()
            _free(tx, made)
            _members(tx, made)
            rows.put(tx, made, _state(before, made), actor=actor)
            return made

        await self._r.store.read(lambda tx: _free(tx, made))
        if not made.active:  # also where it was said before: he may be on another list by now
            for said in {before, made}:
                await self._narrow(said, actor)
        if replace(after, version=before.version, changed_at=before.changed_at) == before:
            return before
        return await self._r.store.write(unit)

    async def directory_drop(
        self, kind: IdentityKind, identity: str, *, version: int | None, actor: str
    ) -> None:
        """Forgets somebody, who is then gone. Raises: Missing, Changed, TooOften."""
        found = await self.directory_show(kind, identity)
        if version is not None and version != found.version:
            raise _changed()
        await self._narrow(found, actor)
        at = self._r.now()
        await self._r.store.write(lambda tx: rows.drop(tx, found, at=at, actor=actor))

    async def _narrow(self, identity: Identity, actor: str) -> None:
        """Pauses whoever is meant, in each deal, and ends his sessions."""
        if identity.kind == "group":
            return
        await self.keeper.seats.refresh()
        too_many = False
        for view, person in self._meant(identity):
            if person.person_id not in view.persons.paused:
                try:
                    await self._r.distress.pause(view, person, WHY, actor=actor)
                except Waits:  # so many an hour; he is signed out all the same
                    too_many = True
            await self.keeper.end_person(view.deal_id, person.person_id, actor=actor)
        login = self._login_of(identity)
        if login is not None:
            await self.keeper.end_where(lambda s: s.who.login == login, actor=actor)
        if too_many:
            raise TooOften(
                "So many were paused within the hour that people look first",
                still="He is signed out; say it again later",
            )

    def _meant(self, identity: Identity) -> Meant:
        """Whom an identity is, on each list; whoever shares an account with him is he too."""
        login, name = self._login_of(identity), rows.folded(identity.name)
        listed = [
            (view, person)
            for view in self._r.book.deals.values()
            for person in (view.adopted or view.roster).people
        ]
        named = [
            (view, person)
            for view, person in listed
            if self._bound_as(view, login) == person.person_id
            or name in {rows.folded(str(account)) for account in person.accounts.values()}
        ]
        own = {account for _, person in named for account in person.accounts.items()}
        return [
            (view, person)
            for view, person in listed
            if (view, person) in named or own & set(person.accounts.items())
        ]

    def _bound_as(self, view: DealView, login: str | None) -> PersonId | None:
        found = None if login is None else self.keeper.seats.logins(view.deal_id).get(login)
        return None if found is None else found.person

    def _login_of(self, identity: Identity) -> str | None:
        provider = self._r.settings.config.web.oidc
        if provider is None or identity.external is None:
            return None
        return subject_login(provider.issuer, identity.external)

    def _known(self, identity: Identity) -> KnownView:
        meant = self._meant(identity) if identity.kind == "user" else []
        return KnownView(
            identity_id=identity.identity_id,
            kind=identity.kind,
            name=identity.name,
            active=identity.active,
            changed_at=identity.changed_at,
            persons=tuple(f"{view.code} {person.person_id}" for view, person in meant),
        )


def _state(before: Identity, after: Identity) -> str:
    if before.active != after.active:
        return "active" if after.active else "inactive"
    return "changed"


def _check(identity: Identity) -> None:
    """Whether an identity is named as one may be. Raises: Wrong."""
    said = (identity.name, identity.external, identity.shown)
    fits = all(s is None or (s.isprintable() and 0 < len(s) <= LONGEST) for s in said)
    if not (fits and identity.name.strip() and len(identity.members) <= MOST_MEMBERS):
        raise Wrong(
            f"A name has 1 to {LONGEST} printable characters, a group {MOST_MEMBERS} members",
            still=STILL,
        )


def _free(tx: Tx, identity: Identity) -> None:
    """Whether nobody else has the name of a user. Raises: Taken."""
    if identity.kind == "group":
        return
    _, found = rows.find(tx, "user", ("name", identity.name))
    if any(other.identity_id != identity.identity_id for other in found):
        raise Taken("Somebody else has this userName", still=STILL)


def _members(tx: Tx, identity: Identity) -> None:
    """Whether the members of a group are there. Raises: Wrong."""
    if not all(rows.one(tx, "user", member) for member in identity.members):
        raise Wrong("A group has members that are not there", still=STILL)


def _missing() -> Missing:
    return Missing("There is no such thing", still=STILL)


def _changed() -> Changed:
    return Changed("It was changed since", still=STILL, then="read it again")
