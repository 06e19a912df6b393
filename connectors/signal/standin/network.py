"""The Signal service and everybody's phones: who has an account, who gets what, what is shown.

Rule kept here: this is the far side. It decides by itself who may do what, in one step without
awaiting; it trusts no connector. What is for our account waits here until its server is there.
"""

import secrets
from collections.abc import Callable, Iterator
from dataclasses import replace

from connectors.signal.standin import ids
from connectors.signal.standin.clock import SECOND, FarClock
from connectors.signal.standin.model import (
    Device,
    File,
    Group,
    Person,
    Post,
    Queued,
    Receipt,
    Shown,
    Typing,
)
from connectors.signal.standin.options import Mode, Options


class Refused(Exception):
    """Signal, or signal-cli, does not do that. The message is what the program says."""


class Network:
    """Accounts, groups and phones, in memory only.

    Args:
        options: how the stand-in is set up.
        clock: its clock.
        arrive: told of all that is for our account.
    """

    def __init__(self, options: Options, clock: FarClock, arrive: Callable[[Queued], None]) -> None:
        self.options = options
        self.clock = clock
        self.people: dict[str, Person] = {}
        self.groups: dict[str, Group] = {}
        self._arrive = arrive
        self.bot = self.person("bot", number=options.number)

    def run_in(self, mode: Mode) -> None:
        """The account's server runs in another mode from now on."""
        self.options = replace(self.options, mode=mode)

    # people

    def person(self, name: str, *, number: str | None = None) -> Person:
        """An account by its name; made when there is none."""
        known = self.named(name)
        if known is not None:
            return known
        free = number or f"+1555{0x10000 + len(self.people):07d}"
        made = Person(name, ids.new_uuid(), free, ids.new_key())
        made.devices.append(Device(1, name, self.clock.now(), self.clock.now()))
        self.people[made.uuid] = made
        return made

    def named(self, name: str) -> Person | None:
        """An account by its name."""
        return next((p for p in self.people.values() if p.name == name), None)

    def found(self, address: str) -> Person | None:
        """An account by number, ACI or username, if it is registered."""
        for person in self.people.values():
            if person.registered and address in {person.uuid, person.number, person.username}:
                return person
        return None

    # groups

    def make_group(self, maker: Person, name: str, asked: list[Person]) -> Group:
        """A group with its maker as its only admin."""
        group = Group(ids.new_internal_id(), name, members=[maker.uuid], admins={maker.uuid})
        self.reset_link(group)
        self.groups[group.internal] = group
        for person in asked:
            self.seat(group, person)
        return group

    @staticmethod
    def reset_link(group: Group) -> None:
        """Makes a link of another password; the one before leads nowhere."""
        group.link_password = secrets.token_urlsafe(16)

    def seat(self, group: Group, person: Person) -> None:
        """Somebody is asked in; who decides for himself is only invited."""
        if person.uuid in group.members or person.uuid in group.pending:
            return
        if len(group.members) >= self.options.group_limit:
            raise Refused("Failed to add members: the group has reached its size limit")
        seats = group.members if person.auto_join else group.pending
        seats.append(person.uuid)

    def unseat(self, group: Group, person: Person) -> None:
        """Somebody is out; what his phone has, it keeps."""
        for seats in (group.members, group.pending, group.asking):
            if person.uuid in seats:
                seats.remove(person.uuid)
        group.admins.discard(person.uuid)
        group.former.add(person.uuid)

    def changed(self, group: Group, by: Person) -> int:
        """Tells the members that a group changed; returns the time of that message."""
        group.revision += 1
        stamp = self.clock.stamp(by.uuid)
        post = Post(by.uuid, stamp, group.internal, expires=group.timer, group_update=True)
        self.spread(replace(post, key=by.key))
        return stamp

    # posts

    def readers(self, post: Post) -> Iterator[Person]:
        """Whom a post is for, without its author."""
        if post.room is None:
            if post.to is not None and post.to != post.author:
                yield self.people[post.to]
            return
        group = self.groups[post.room]
        yield from (self.people[one] for one in group.members if one != post.author)

    def spread(self, post: Post, failed: frozenset[str] = frozenset()) -> None:
        """Delivers a post to everybody that it is for, but for who cannot be reached."""
        self._keep(self.people[post.author], post)
        for person in list(self.readers(post)):
            if person.uuid not in failed and (person.registered or person is self.bot):
                self.deliver(person, post)

    def deliver(self, person: Person, post: Post) -> None:
        """One account gets a post; a phone acknowledges it, our account's server is told."""
        if person is self.bot:
            self._arrive(Queued(post, self.clock.now()))
            return
        if post.room is None:
            person.timers[post.author] = post.expires
        self._keep(person, post)
        told = not post.group_update and post.author == self.bot.uuid
        if told and person.receipts:
            self.acknowledge(person, "delivery", (post.timestamp,))

    def acknowledge(self, person: Person, kind: str, stamps: tuple[int, ...]) -> None:
        """A receipt for messages of our account: delivery, read or viewed."""
        self._arrive(Queued(Receipt(person.uuid, kind, stamps), self.clock.now()))

    def typing(self, person: Person, room: str | None, *, began: bool) -> None:
        """Somebody types to our account, or stops."""
        self._arrive(Queued(Typing(person.uuid, room, began), self.clock.now()))

    def set_direct_timer(self, by: Person, other: Person, seconds: int) -> int:
        """Sets the time to live of a private line; returns the time of that message."""
        by.timers[other.uuid] = seconds
        stamp = self.clock.stamp(by.uuid)
        post = Post(by.uuid, stamp, to=other.uuid, expires=seconds, timer_update=True, key=by.key)
        self.spread(post)
        return stamp

    def link_device(self, person: Person, name: str) -> int:
        """Another device of an account; returns its number."""
        number = max(each.id for each in person.devices) + 1
        now = self.clock.now()
        person.devices.append(Device(number, name, now, now))
        return number

    # phones

    def _keep(self, person: Person, post: Post) -> None:
        if post.group_update or post.timer_update:
            kind = "update" if post.group_update else "timer"
            person.noticed.append((kind, post.room or post.author, post.timestamp))
        elif post.deletes is not None:
            self._take_back(person, post.author, post.deletes)
        elif post.admin_deletes is not None:
            self._take_back(person, *post.admin_deletes)
        elif post.edits is not None:
            self._replace(person, post, post.edits)
        elif post.reacts is not None:
            self._react(person, post, post.reacts)
        else:
            now = self.clock.now()
            gone = now + post.expires * SECOND if post.expires else None
            person.shows[post.author, post.timestamp] = Shown(post, now, gone, post.text)

    def _take_back(self, person: Person, author: str, stamp: int) -> None:
        shown = self._shown(person, author, stamp)
        if shown is not None:
            shown.deleted, shown.text = True, None
            shown.post = replace(shown.post, text=None, files=(), quote=None, styles=())

    def _replace(self, person: Person, post: Post, target: int) -> None:
        shown = self._shown(person, post.author, target)
        if shown is not None and not shown.deleted:
            shown.text = post.text
            shown.edits.append(post.timestamp)

    def _react(self, person: Person, post: Post, reacts: tuple[str, str, int, bool]) -> None:
        emoji, author, stamp, taken_off = reacts
        shown = person.shows.get((author, stamp))
        if shown is not None:
            shown.reactions.pop(post.author, None)
            if not taken_off:
                shown.reactions[post.author] = emoji

    def _shown(self, person: Person, author: str, stamp: int) -> Shown | None:
        """A message by its own time or by that of its latest edit."""
        found = person.shows.get((author, stamp))
        if found is not None:
            return found
        edited = (s for s in person.shows.values() if s.post.author == author and stamp in s.edits)
        return next(edited, None)

    def shown(self, person: Person) -> list[Shown]:
        """What a phone shows now: what has expired is gone from it for good."""
        now = self.clock.now()
        for key, each in list(person.shows.items()):
            if each.expires_at is not None and each.expires_at <= now:
                del person.shows[key]
        return sorted(person.shows.values(), key=lambda each: each.at)

    def file(self, digest: str) -> File | None:
        """A file that some phone still has."""
        for person in self.people.values():
            for shown in person.shows.values():
                for file in shown.post.files:
                    if file.sha256 == digest:
                        return file
        return None
