"""What the server keeps for its account: keys it knows, contacts, files, settings.

Rule kept here: it believes what it has received, not what is true: a key that changed is unknown
to it until something of that person passes, a timer that changed likewise.
"""

import secrets
from dataclasses import dataclass, field, replace

from connectors.signal.standin import ids
from connectors.signal.standin.clock import MS
from connectors.signal.standin.model import File, Person, Post
from connectors.signal.standin.network import Network

UNTRUSTED, UNVERIFIED, VERIFIED = "UNTRUSTED", "TRUSTED_UNVERIFIED", "TRUSTED_VERIFIED"


@dataclass(slots=True)
class Known:
    """An identity key of somebody as the server has it."""

    key: bytes = field(repr=False)
    status: str
    added: int


class Account:
    """The account's own state.

    Args:
        network: the service.
    """

    def __init__(self, network: Network) -> None:
        self._network = network
        self.identities: dict[str, list[Known]] = {}
        self.contacts: dict[str, str] = {}
        self.files: dict[str, File] = {}
        self.profile = network.options.profile
        self.has_avatar = False
        self.pin: str | None = None
        self.tokens: dict[str, bool] = {}
        self.ignores_files = network.options.ignore_attachments
        self.trust_mode = network.options.trust
        self.log_level = network.options.log_level

    # keys

    def meet(self, person: Person, key: bytes) -> str:
        """A key of somebody passes by; returns what it counts for."""
        known = self.identities.setdefault(person.uuid, [])
        for each in known:
            if each.key == key:
                return each.status
        trust = self.trust_mode
        first = not known and trust != "never"
        status = UNVERIFIED if first or trust == "always" else UNTRUSTED
        known.append(Known(key, status, self._network.clock.now() // MS))
        return status

    def reaches(self, person: Person) -> bool:
        """Whether the server sends to somebody: the key of now is not untrusted."""
        return self.meet(person, person.key) != UNTRUSTED

    def number_of(self, person: Person, known: Known) -> str:
        """The safety number with somebody, for one of his keys."""
        bot = self._network.bot
        return ids.safety_number((bot.uuid, bot.key), (person.uuid, known.key))

    def verify(self, person: Person, number: str) -> bool:
        """Marks the key with that safety number as verified; False when there is none."""
        wanted = "".join(number.split())
        for known in self.identities.get(person.uuid, []):
            if secrets.compare_digest(self.number_of(person, known), wanted):
                known.status = VERIFIED
                return True
        return False

    def trust_all(self, person: Person) -> bool:
        """All known keys of somebody count as good, unverified."""
        known = self.identities.get(person.uuid, [])
        for each in known:
            if each.status == UNTRUSTED:
                each.status = UNVERIFIED
        return bool(known)

    # what arrives

    def opens(self, post: Post) -> bool:
        """Whether the server can read a post: the author's key counts as good."""
        if post.author == self._network.bot.uuid:
            return True
        return self.meet(self._network.people[post.author], post.key) != UNTRUSTED

    def take(self, post: Post) -> Post:
        """Keeps what a received post brings: its files, and the timer of a private line."""
        if post.room is None and post.author != self._network.bot.uuid:
            self._network.bot.timers[post.author] = post.expires
        if self.ignores_files:
            return replace(post, files=())
        self.files |= {file.id: file for file in post.files}
        return post
