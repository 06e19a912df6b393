"""Wickr itself and everybody's apps: who has an account, who gets what, what is shown.

Rule kept here: this is the far side. It decides by itself who may do what, in one step without
awaiting; it trusts no connector. What is for our account waits here until its client is there.
"""

import secrets
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

from connectors.wickr.standin import ids, model
from connectors.wickr.standin.clock import SECOND, FarClock
from connectors.wickr.standin.model import File, Person, Post, Queued, Room, Shown
from connectors.wickr.standin.options import Modify, Options


class Refused(Exception):
    """Wickr, or its client, does not do that; why is said here, and by the program to nobody."""


class Network:
    """Accounts, rooms and apps, in memory only.

    Args:
        options: how the stand-in is set up.
        clock: its clock.
        arrive: told of all that is for our account.
    """

    def __init__(self, options: Options, clock: FarClock, arrive: Callable[[Queued], None]) -> None:
        self.options = options
        self.clock = clock
        self.people: dict[str, Person] = {}
        self.rooms: dict[str, Room] = {}
        self._arrive = arrive
        self.bot = self.person(options.user)

    # people

    def person(self, name: str) -> Person:
        """An account by its name; made when there is none."""
        account = ids.account(name)
        if account not in self.people:
            self.people[account] = Person(name, account, secrets.token_hex(32))
        return self.people[account]

    def known(self, account: str | None) -> Person:
        """An active account.

        Raises:
            Refused: there is none of that name.
        """
        person = self.people.get(account or "")
        if person is None or not person.active:
            raise Refused("no such user")
        return person

    # rooms

    def make_room(
        self, maker: Person, kind: str, title: str = "", description: str = "", ttl: int = 0
    ) -> Room:
        """A conversation with its maker as its only member and moderator; nobody is told yet."""
        kept = min(ttl or self.options.default_ttl, self.options.max_ttl)
        made = Room(ids.conversation(kind), title, description, kept, 0)
        made.members, made.masters = [maker.account], [maker.account]
        self.rooms[made.id] = made
        return made

    def seat(self, room: Room, person: Person) -> None:
        """Somebody is in."""
        if person.account not in room.members:
            room.members.append(person.account)

    def unseat(self, room: Room, person: Person) -> None:
        """Somebody is out; what his app has, it keeps."""
        for seats in (room.members, room.masters):
            if person.account in seats:
                seats.remove(person.account)
        room.hidden.discard(person.account)
        room.former.add(person.account)

    def relist(self, room: Room, members: Iterable[str], masters: Iterable[str]) -> None:
        """Both lists of a room as our account asks for them, by what the client makes of lists.

        Raises:
            Refused: somebody is not known.
        """
        wanted = [self.known(account) for account in dict.fromkeys((*members, *masters))]
        moderators = [self.known(account).account for account in masters]
        if self.options.modify is Modify.IGNORE:
            return
        before = set(room.members)
        if self.options.modify is Modify.REPLACE:
            listed = {person.account for person in wanted}
            for account in [one for one in room.members if one not in listed]:
                self.unseat(room, self.people[account])
            room.masters = []
        for person in wanted:
            self.seat(room, person)
        room.masters += [one for one in moderators if one not in room.masters]
        self.members_changed(room, self.bot, before)

    # control messages

    def members_changed(self, room: Room, by: Person, before: set[str]) -> None:
        """Tells who is in, and who was, that the members changed."""
        now = set(room.members)
        if now == before:
            return
        control = {"addedusers": sorted(now - before), "deletedusers": sorted(before - now)}
        self.control(by, room, model.MEMBERS, control, also=before - now)

    def parameters(self, room: Room) -> dict[str, Any]:
        """A room in a control message."""
        return {
            "bor": room.bor,
            "changemask": 47,
            "description": room.description,
            "masters": list(room.masters),
            "members": list(room.members),
            "title": room.title,
            "ttl": room.ttl,
        }

    def control(
        self,
        by: Person,
        room: Room,
        kind: int,
        control: dict[str, Any] | None = None,
        also: Iterable[str] = (),
    ) -> Post:
        """A control message to everybody in a room and to whom else it concerns."""
        told = None if control is None else control | {"msgtype": kind}
        post = self.post(by, kind, room=room, control=told)
        self.tell_us(post, {*room.members, *also})
        return post

    def tell_us(self, post: Post, concerned: Iterable[str]) -> None:
        """Hands a control message to our account, if it concerns it and is not its own."""
        ours = self.bot.account
        if ours in concerned and post.author != ours and self.options.tells_control:
            self._arrive(Queued(post, post.at))

    # posts

    def post(self, by: Person, kind: int, *, room: Room | None = None, **fields: Any) -> Post:
        """Something that somebody sends now, not sent yet."""
        at = self.clock.stamp()
        ttl = self.options.default_ttl if room is None else room.ttl
        made = Post(ids.message_id(), by.account, kind, at, ttl=ttl, **fields)
        return made if room is None else replace(made, room=room.id, bor=room.bor)

    def lasting(self, post: Post, ttl: int, bor: int) -> Post:
        """A post with a time to live of its own, as far as the security group allows."""
        most = self.options
        return replace(
            post,
            ttl=min(ttl, most.max_ttl) if ttl else post.ttl,
            bor=min(bor, most.max_bor) if bor else post.bor,
        )

    def readers(self, post: Post) -> Iterator[Person]:
        """Whom a post is for, without its author."""
        accounts = [post.to] if post.room is None else self.rooms[post.room].members
        yield from (self.people[a] for a in accounts if a is not None and a != post.author)

    def spread(self, post: Post) -> None:
        """Delivers a post to everybody that it is for."""
        self._keep(self.people[post.author], post)
        for person in list(self.readers(post)):
            if person is self.bot:
                self._arrive(Queued(post, post.at))
            else:
                self._keep(person, post)

    def _keep(self, person: Person, post: Post) -> None:
        expires = post.at + post.ttl * SECOND if post.ttl else None
        person.shows[post.id] = Shown(post, self.clock.now(), expires)

    def recall(self, by: Person, room: str, message: str) -> Post:
        """An author takes a message of his away from everybody.

        Raises:
            Refused: it is not his, or is nowhere any more.
        """
        found = by.shows.get(message)
        if found is None or found.post.author != by.account or self.place(found.post) != room:
            raise Refused("no such message of this user")
        for person in self.people.values():
            shown = person.shows.get(message)
            if shown is not None:
                shown.recalled = True
                shown.post = replace(shown.post, text=None, file=None, meta=None)
        return found.post

    def forget(self, person: Person, message: str) -> None:
        """A message goes from one person's own devices. Raises: Refused."""
        if person.shows.pop(message, None) is None:
            raise Refused("no such message")

    def place(self, post: Post) -> str:
        """The vGroupID of the conversation that a post is in."""
        return post.room or ids.line(post.author, post.to or "")

    # apps

    def read(self, person: Person, message: str) -> None:
        """Somebody has a message before his eyes: from now on it burns, if it does."""
        shown = person.shows.get(message)
        if shown is None:
            raise Refused("this app shows no such message")
        if shown.post.bor and shown.burns_at is None:
            shown.burns_at = self.clock.now() + shown.post.bor * SECOND

    def shown(self, person: Person) -> list[Shown]:
        """What an app shows now: what has expired or burnt is gone from it for good."""
        now = self.clock.now()
        for message, each in list(person.shows.items()):
            if any(end is not None and end <= now for end in (each.expires_at, each.burns_at)):
                del person.shows[message]
        return sorted(person.shows.values(), key=lambda each: each.at)

    def file(self, digest: str) -> File | None:
        """A file that some app still has."""
        shown = (each for person in self.people.values() for each in person.shows.values())
        files = (each.post.file for each in shown)
        return next((file for file in files if file is not None and file.sha256 == digest), None)
