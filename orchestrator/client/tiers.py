"""The tiers of a deal, and what changed rules would do before anybody adopts them.

Rules kept here: as for ``orchestrator.client.views``. A text that is asked about is in no view: it
is told by its number. Watched names and amounts are counted, never told.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from orchestrator.client.wire import Wire, deal_path, read

Act = Literal["goes", "asked", "held"]
TEXTS = 200
"""Texts in one request at most."""
LISTED = 200
"""Rooms, people and messages that an answer names at most; it counts all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A channel of the home, held against a tier.

    Attributes:
        kind: its connector.
        grade: how it is proven in this installation.
        fits: rooms of it may hold what the tier demands; None: it is not open here.
        lacks: what is against it, in words.
    """

    channel: str
    kind: str
    grade: str
    fits: bool | None
    lacks: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleView:
    """A rule that raises a text to a tier.

    Attributes:
        strength: ``hold`` stops a message, ``ask`` asks its author.
        purpose: what it is for, in a sentence.
    """

    rule: str
    strength: str
    purpose: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TierView:
    """What one tier demands; lengths in microseconds.

    Attributes:
        demands: guarantee, least evidence, and in words.
        timer: the longest time to live that is accepted; None: none is demanded.
        fresh_for: how old a reading may be; ``verified_for`` for how long a ceremony speaks.
        body_for: how long a body is kept at most that cannot be delivered.
        keep_for: how long the journal keeps; ``record_class`` its class there.
        grade: the least proof of a channel.
        order: channels on which people of several accounts sit first.
        channels: of this home, each held against it.
        rules: what raises a text to it.
    """

    tier: str
    demands: tuple[tuple[str, str, str], ...]
    timer: int | None
    fresh_for: int
    verified_for: int
    body_for: int
    keep_for: int
    record_class: str
    grade: str
    changed_key: str
    repeat_after_unknown: str
    dead_head: str
    mirrored: bool
    attested_accounts: bool
    order: tuple[str, ...]
    channels: tuple[Candidate, ...]
    rules: tuple[RuleView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TiersView:
    """The tiers in force, and where they come from.

    Attributes:
        policy: hash of the document.
        shipped: it means the same as the policy that ships.
        classifier: fingerprint of rules, thresholds and model; ``degraded``: there is no model.
        watched: entries of the watch list; None: it cannot be opened, and everything is held.
        held_for: time within which a held message must be settled, microseconds.
        act_at: points of leak risk from which the deal's people act.
    """

    policy: str
    shipped: bool
    classifier: str
    degraded: bool
    watched: int | None
    held_for: int
    act_at: int
    tiers: tuple[TierView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What a text comes to under some rules.

    Attributes:
        act: what happens to it.
        rules: ids of the rules that say so.
    """

    tier: str
    act: Act
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TextMove:
    """One text under the rules in force and under the others; ``n`` from 0, as it was handed in."""

    n: int
    before: Judged
    after: Judged


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingMove:
    """A setting of the policy that differs; None: it is not there."""

    place: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelMove:
    """A channel that would fit a tier, or would no more."""

    channel: str
    tier: str
    fits: bool
    because: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomMove:
    """A room that would hold what is demanded of it (``open``), or would no more.

    Attributes:
        because: what is against it, under the rules that hold it.
    """

    conversation: str
    channel: str
    open: bool
    because: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonMove:
    """Somebody who would read a conversation (``gains``), or would no more."""

    person: str
    conversation: str
    gains: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitMove:
    """A held message for which there would be a room (``open``), or would be none any more."""

    message: str
    open: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Effects:
    """What other rules would do to a deal as it stands.

    Attributes:
        read: rooms of which a reading is kept; ``unread``: those of which nothing is concluded.
        rooms, people, waiting: the first of them; ``counts`` has how many there are of each.
    """

    read: int
    unread: int
    channels: tuple[ChannelMove, ...]
    rooms: tuple[RoomMove, ...]
    people: tuple[PersonMove, ...]
    waiting: tuple[WaitMove, ...]
    counts: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulationView:
    """What changed rules would do; nothing was changed.

    Attributes:
        before, after: hashes of the policies.
        watched: entries that the watch list would have more.
        effects: on the deal; None where it was not asked for.
    """

    before: str
    after: str
    watched: int
    settings: tuple[SettingMove, ...]
    texts: tuple[TextMove, ...]
    effects: Effects | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A text to be judged.

    Attributes:
        subject, text: of the message.
        floor: tier of the conversation that it would be written in; None: it goes by its own tier.
    """

    text: str = field(repr=False)
    subject: str = field(default="", repr=False)
    floor: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Rules as they would be.

    Attributes:
        policy: a policy's canonical document; None: the one in force.
        names, amounts: further entries of the watch list.
    """

    policy: str | None = field(default=None, repr=False)
    names: Sequence[str] = field(default=(), repr=False)
    amounts: Sequence[str] = field(default=(), repr=False)


class TiersApi(Wire):
    """Calls of ``orchestrator.api.tiering``."""

    async def tier_list(self, deal: str) -> TiersView:
        """The tiers in force, the strictest first."""
        return await self._get(TiersView, f"{deal_path(deal)}/tiers")

    async def rules_simulate(
        self, deal: str, rules: Rules, texts: Sequence[Sample] = (), *, effects: bool = False
    ) -> SimulationView:
        """What changed rules would do; nothing is changed or kept. Raises: Wrong, Missing."""
        body: dict[str, Any] = {
            "policy": rules.policy,
            "names": list(rules.names),
            "amounts": list(rules.amounts),
            "texts": [{"subject": t.subject, "text": t.text, "floor": t.floor} for t in texts],
            "effects": effects,
        }
        answer = await self._call("POST", "/rules/simulate", body, {"deal": deal})
        return read(SimulationView, answer)
