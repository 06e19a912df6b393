"""The deal is made, its rooms are made and hardened, and a member's phone reads them back."""

import asyncio
import json
from typing import Any
from urllib.parse import quote

from orchestrator.client.views import NewConversation
from orchestrator.clock import DAY
from orchestrator.demo import halcyon
from orchestrator.demo.stage import BOT, CAST, CHANNEL, NotSeen, Stage, name_of, on_matrix, user_of
from orchestrator.journal.keygen import Group, generate
from orchestrator.roster.document import to_document
from orchestrator.roster.read import read_files, read_roster
from orchestrator.roster.write import write_roster
from tiers.tier import Tier

OPERATOR = "stefan-huber"
"""Who looked at the homeserver and attests that it purges."""
_OWNER_LEVEL = 100
_WEEK_MS = 7 * 24 * 3600 * 1000
_TOLD = (
    *("halcyon", "kestrel", "marlow", "price", "diligence", "logistics"),
    *(tier.value for tier in Tier),
)
"""What must stand in no name that the server sees."""
_HARD = {
    "m.room.encryption": ("algorithm", "m.megolm.v1.aes-sha2"),
    "m.room.join_rules": ("join_rule", "invite"),
    "m.room.history_visibility": ("history_visibility", "joined"),
    "m.room.guest_access": ("guest_access", "forbidden"),
}


async def rooms(stage: Stage) -> str:
    """Roster in, rooms made, hardened, read back by the owner's phone."""
    await make(stage)
    return await read_back(stage)


async def make(stage: Stage) -> None:
    """Puts the roster in force and makes the rooms; those with a phone come in."""
    people = await _roster_in(stage)
    await stage.say(f"Project Halcyon: {people} people of six firms. The roster is in force.")
    tested = await stage.client.channel_test(CHANNEL)
    await stage.say(f"We tried the Matrix channel on a room of our own: it is {tested.grade} here.")
    for talk in halcyon.TALKS:
        await _make(stage, talk)
    await asyncio.gather(*(_come_in(stage, person) for person in CAST))


async def read_back(stage: Stage) -> str:
    """Has the owner's phone read each room's state, and holds it against what was promised."""
    for talk in halcyon.TALKS:
        await _read_back(stage, talk)
    await stage.say("Encrypted, by invitation only, nameless to the server, members as listed.")
    return f"{len(_members(Tier.COORDINATION))} people, {len(stage.rooms)} rooms"


async def _roster_in(stage: Stage) -> int:
    """Adopts the roster from spreadsheets, as `roster import` does, and a throw-away key."""
    folder = stage.folder / "people"
    folder.mkdir(mode=0o700)
    for name, data in write_roster(halcyon.roster(stage.accounts, apart=True)).items():
        (folder / name).write_bytes(data)
    listed = read_roster(read_files(folder), folder)
    made = await stage.client.deal_new(halcyon.CODE, made_up=True, policy=None)
    stage.deal = made.deal_id
    await stage.client.adopt(stage.deal, "roster", to_document(listed))
    key = generate("joint", [Group("nobody", 1, 1)])
    await stage.client.journal_key_add(stage.deal, "joint", json.dumps(key.public))
    return len(listed.people)


async def _make(stage: Stage, talk: halcyon.Talk) -> None:
    new = NewConversation(
        label=talk.label, floor=talk.floor.value, channel=CHANNEL, owner=halcyon.OWNER
    )
    made = await stage.client.conv_new(stage.deal, new)
    stage.rooms[talk.label] = made.rooms[0].room
    if talk.floor is Tier.VALUATION:
        await stage.client.conv_attest(stage.deal, talk.label, "timer", 7 * DAY, by=OPERATOR)
        for who in sorted(halcyon.VALUATION):
            one, other = [p for p in sorted(halcyon.VALUATION) if p != who][:2]
            await stage.client.key_verify(stage.deal, who, one, other)


async def _come_in(stage: Stage, person: str) -> None:
    phone = stage.people[person]
    listed = {stage.rooms[t.label] for t in halcyon.TALKS if person in _members(t.floor)}
    if not await phone.until(lambda: listed <= phone.invitations() | phone.rooms(), stage.patience):
        raise NotSeen(f"{name_of(person)} was not asked in")
    joins = (f"/_matrix/client/v3/join/{quote(room, safe='')}" for room in sorted(listed))
    await asyncio.gather(*(phone.raw("POST", path, {}) for path in joins))
    await phone.sync(full=True)


def _members(floor: Tier) -> frozenset[str]:
    roster = halcyon.roster(on_matrix)
    return frozenset(g.person_id for g in roster.grants if g.highest >= floor)


async def _read_back(stage: Stage, talk: halcyon.Talk) -> None:
    """Holds what the homeserver tells the owner's phone against what was promised."""
    room = quote(stage.rooms[talk.label], safe="")
    phone = stage.people[halcyon.OWNER]
    told: Any = await phone.raw("GET", f"/_matrix/client/v3/rooms/{room}/state")
    state = {(e["type"], e["state_key"]): e["content"] for e in told}
    wrong = [*_soft(state), *_loud(state), *_open_levels(state), *_other_members(state, talk)]
    lifetime = state.get(("m.room.retention", ""), {}).get("max_lifetime")
    if talk.floor is Tier.VALUATION and lifetime != _WEEK_MS:
        wrong.append("no timer of seven days")
    if wrong:
        raise NotSeen(f"#{talk.label}: {', '.join(wrong)}")


State = dict[tuple[str, str], dict[str, Any]]


def _soft(state: State) -> list[str]:
    found = {kind: state.get((kind, ""), {}).get(key) for kind, (key, _) in _HARD.items()}
    return [f"{kind} is {found[kind]}" for kind, (_, want) in _HARD.items() if found[kind] != want]


def _loud(state: State) -> list[str]:
    """What a name or a topic tells the server."""
    name = str(state.get(("m.room.name", ""), {}).get("name", "")).casefold()
    named = [
        kind
        for kind in ("m.room.topic", "m.room.canonical_alias")
        if any(state.get((kind, ""), {}).values())
    ]
    return named + [word for word in _TOLD if word in name]


def _open_levels(state: State) -> list[str]:
    levels = state.get(("m.room.power_levels", ""), {})
    low = [k for k in ("invite", "state_default", "redact") if levels.get(k, 0) < _OWNER_LEVEL]
    owner = levels.get("users", {}).get(user_of(halcyon.OWNER))
    return [f"level of {k}" for k in low] + ([] if owner == _OWNER_LEVEL else ["level of owner"])


def _other_members(state: State, talk: halcyon.Talk) -> list[str]:
    present = {
        who
        for (kind, who), content in state.items()
        if kind == "m.room.member" and content.get("membership") in {"join", "invite"}
    }
    listed = {str(user_of(p)) for p in _members(talk.floor)} | {BOT}
    return [] if present == listed else [f"{len(present ^ listed)} members differ from the list"]
