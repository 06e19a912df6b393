"""Judges a day by what was handed in and by what people saw on their own screens. Pure.

Rules that it holds a day to:

1. Nobody but its author saw what is above his clearance, or what was said where he does not sit,
   unless it was typed there by hand and is seen gone since.
2. Each person has each message once, on the channel of his seat. What he has again says of itself
   that it may be a repetition.
3. What one lane handed in, nobody has in another order.
4. What is placed wrongly is held, or seen gone. What is placed rightly and held is a false hold;
   what nobody has and nobody holds is lost.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tiers.tier import Tier

FALSE_HOLDS_PER_400 = 2


@dataclass(frozen=True, slots=True)
class Written:
    """What was handed in.

    Attributes:
        reference: the word in its text that no other text has.
        label: the conversation that it was written to.
        lane: where and how it was handed in; a lane hands in one after the other.
        number: its place in the lane.
        tier: what it is about.
        misplaced: it is above its conversation.
        network: where it was typed; None where it was handed in at our door.
    """

    reference: str
    label: str
    lane: str
    number: int
    author: str
    tier: Tier
    misplaced: bool
    network: str | None


@dataclass(frozen=True, slots=True)
class Sight:
    """What one person has on one screen.

    Attributes:
        place: order on that screen.
        at: when the network had it, microseconds.
        gone: it was taken back, and is seen gone.
        marked: it says of itself that it may be a repetition.
    """

    reference: str
    person: str
    network: str
    place: int
    at: int
    gone: bool = False
    marked: bool = False


@dataclass(frozen=True, slots=True)
class People:
    """Who may see what.

    Attributes:
        clearance: highest tier, by person.
        seats: for each conversation the network that each of its people sits on.
    """

    clearance: Mapping[str, Tier]
    seats: Mapping[str, Mapping[str, str]]


@dataclass(slots=True)
class Verdict:
    """How a day was. What is wrong is told by references, never by text."""

    messages: int = 0
    delivered: int = 0
    held: int = 0
    withdrawn: int = 0
    false_holds: int = 0
    lost: int = 0
    doubled: int = 0
    repeated: int = 0
    out_of_order: int = 0
    beyond_clearance: int = 0
    wrong: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """No invariant is broken."""
        allowed = max(FALSE_HOLDS_PER_400, self.messages * FALSE_HOLDS_PER_400 // 400)
        broken = self.lost + self.doubled + self.out_of_order + self.beyond_clearance
        return not broken and self.false_holds <= allowed


def judge(
    written: Sequence[Written],
    sights: Sequence[Sight],
    people: People,
    held: Collection[str],
) -> Verdict:
    """Holds a day to the rules.

    Args:
        written: all that was handed in.
        sights: all that all people have.
        people: who may see what.
        held: references of what its author was told is held.
    """
    seen: dict[str, list[Sight]] = defaultdict(list)
    for sight in sights:
        seen[sight.reference].append(sight)
    verdict = Verdict(messages=len(written))
    for message in written:
        mine = seen[message.reference]
        for who in _beyond(message, mine, people):
            verdict.beyond_clearance += 1
            verdict.wrong.append(f"{who} saw {message.reference}")
        _settle(verdict, message, mine, people.seats[message.label], held)
    for lane, who in _disorder(written, seen):
        verdict.out_of_order += 1
        verdict.wrong.append(f"{who} has {lane} in another order")
    return verdict


def _beyond(message: Written, mine: Sequence[Sight], people: People) -> Iterator[str]:
    for sight in mine:
        cleared = people.clearance[sight.person] >= message.tier
        sits = sight.person in people.seats[message.label]
        if sight.person != message.author and not sight.gone and not (cleared and sits):
            yield sight.person


def _settle(
    verdict: Verdict,
    message: Written,
    mine: Sequence[Sight],
    seats: Mapping[str, str],
    held: Collection[str],
) -> None:
    gone = any(s.gone for s in mine)
    there = {s.person for s in mine if not s.gone} - {message.author}
    if message.misplaced:
        _settle_misplaced(verdict, message, held=message.reference in held, gone=gone, there=there)
        return
    if not there and (message.reference in held or gone):
        verdict.false_holds += 1
        verdict.wrong.append(f"held without need: {message.reference}")
        return
    missing = 0
    for person, network in seats.items():
        if person == message.author:
            continue
        missing += _once(verdict, message, person, network, mine)
    verdict.delivered += not missing
    verdict.lost += bool(missing)


def _settle_misplaced(
    verdict: Verdict, message: Written, *, held: bool, gone: bool, there: Collection[str]
) -> None:
    if there:
        verdict.beyond_clearance += 1
        verdict.wrong.append(f"not held: {message.reference}")
    elif held:
        verdict.held += 1
    elif gone:
        verdict.withdrawn += 1
    else:
        verdict.lost += 1
        verdict.wrong.append(f"neither held nor seen: {message.reference}")


def _once(
    verdict: Verdict, message: Written, person: str, network: str, mine: Sequence[Sight]
) -> bool:
    """Whether it is missing; counts what is there too often."""
    all_his = [s for s in mine if s.person == person and not s.gone]
    on_seat = [s for s in all_his if s.network == network]
    again = sorted(on_seat, key=lambda s: s.place)[1:]
    unmarked = [s for s in again if not s.marked]
    elsewhere = len(all_his) - len(on_seat)
    verdict.repeated += len(again) - len(unmarked)
    if unmarked or elsewhere:
        verdict.doubled += len(unmarked) + elsewhere
        verdict.wrong.append(f"{person} has {message.reference} more than once")
    if not on_seat:
        verdict.wrong.append(f"{person} does not have {message.reference}")
    return not on_seat


def _disorder(
    written: Sequence[Written], seen: Mapping[str, Sequence[Sight]]
) -> Iterator[tuple[str, str]]:
    """Lane and person, where what he has first of each did not come as it was handed in."""
    screens: dict[tuple[str, str, str], dict[str, tuple[int, int]]] = defaultdict(dict)
    for message in written:
        there = [s for s in seen[message.reference] if not s.gone]
        for sight in sorted(there, key=lambda s: s.place):
            screen = screens[message.lane, sight.person, sight.network]
            screen.setdefault(message.reference, (sight.place, message.number))
    for (lane, person, _), firsts in screens.items():
        numbers = [number for _, number in sorted(firsts.values())]
        if numbers != sorted(numbers):
            yield lane, person
