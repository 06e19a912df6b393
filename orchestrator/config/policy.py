"""`policy.toml`: what each tier demands, as a document that a deal owner can read.

Rules kept here:

1. Every tier is there, and a stricter tier demands everything that a weaker one does, at least as
   surely, at least as fresh.
2. Floors that no policy goes below: what was only requested never counts; an unknown recipient
   and a stale posture hold; members are readable and nobody comes in uninvited; VALUATION is
   end-to-end encrypted, with every device verified, and never repeated by itself.
3. A policy is known by the sha256 of its canonical form (RFC 8785), which two files that mean the
   same share.
"""

import hashlib
import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import rfc8785
from pydantic import BaseModel, ConfigDict, Field, model_validator

from orchestrator.config.mistakes import Mistake, PolicyInvalid, shape_mistakes
from orchestrator.config.places import lines_of, nearest
from orchestrator.config.spans import Length
from tiers.exposure import ACT_AT, LONGEST_LINE
from tiers.guarantees import Demand, Evidence, Guarantee
from tiers.ids import ConnectorName, SideId
from tiers.policy import (
    LONGEST_GRACE,
    LONGEST_REVIEW,
    NOTICE_GRACE,
    REVIEW_EVERY,
    DocumentPolicy,
    Grade,
    MembershipPolicy,
    Policy,
    TierPolicy,
)
from tiers.tier import Tier
from tiers.trust import LONGEST, VERIFIED_FOR

GUIDE = "docs/policy.md"
Least = Literal["attested", "verified"]
TierName = Literal["coordination", "operations", "valuation"]
PublicKey = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
"""Ed25519, hexadecimal."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)


class BoundPart(_Part):
    """A demand with a bound."""

    least: Least
    at_most: Length


class DemandsPart(_Part):
    """The least evidence of each guarantee; what is left out is not demanded."""

    encrypted_in_transit: Least | None = None
    end_to_end_encrypted: Least | None = None
    invite_only: Least | None = None
    no_public_link: Least | None = None
    members_readable: Least | None = None
    history_hidden: Least | None = None
    devices_verified: Least | None = None
    timer: BoundPart | None = None

    def demands(self) -> tuple[Demand, ...]:
        """As the rules use them."""
        return tuple(_demand(name, found) for name, found in self if found is not None)


class TierPart(_Part):
    """What one tier demands."""

    fresh_for: Length
    grade: Literal["lab", "field", "fit"]
    changed_key: Literal["hold", "finding"]
    repeat_after_unknown: Literal["ask", "repeat"]
    body_for: Length
    record_class: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")
    keep_for: Length
    dead_head: Literal["blocks", "skips"]
    mirrored: bool | None = None
    """Conversations may have people in several rooms; left out: yes, but for VALUATION."""
    channels: list[str] | None = None
    """Where a person of several accounts has his seat: on the first of these that he is on."""
    attested_accounts: bool | None = None
    """An account that counsel says is his is enough; left out: yes, but for VALUATION."""
    verified_for: Length | None = None
    """For how long a ceremony over a key speaks; left out: 180 days."""
    demands: DemandsPart

    def rules(self, name: str) -> TierPolicy:
        """As the rules use them; ``name``: of the tier."""
        ordinary = name != Tier.VALUATION.value
        return TierPolicy(
            demands=self.demands.demands(),
            fresh_for=self.fresh_for,
            grade=Grade[self.grade.upper()],
            changed_key_holds=self.changed_key == "hold",
            repeat_unknown=self.repeat_after_unknown == "repeat",
            body_for=self.body_for,
            record_class=self.record_class,
            keep_for=self.keep_for,
            poison_blocks=self.dead_head == "blocks",
            mirrored=ordinary if self.mirrored is None else self.mirrored,
            channels=tuple(ConnectorName(c) for c in self.channels or ()),
            attested_accounts=ordinary
            if self.attested_accounts is None
            else self.attested_accounts,
            verified_for=VERIFIED_FOR if self.verified_for is None else self.verified_for,
        )


class TiersPart(_Part):
    """One table for each tier, none missing."""

    valuation: TierPart
    operations: TierPart
    coordination: TierPart


class DocumentsPart(_Part):
    """What formal documents demand beside what their channel must always hold."""

    fresh_for: Length
    grade: Literal["field", "fit"]
    valuation_to: list[str] = []
    """Sides whose people may be sent a VALUATION document; a second person agrees each time."""

    def rules(self, file: "PolicyFile") -> DocumentPolicy:
        """As the rules use them: the key verified by two, the room read back, nothing weaker."""
        strict = file.tiers.operations.rules(Tier.OPERATIONS.value)
        demands = tuple(Demand(guarantee, Evidence.VERIFIED) for guarantee in _DOCUMENTS)
        rules = replace(
            strict,
            demands=demands,
            fresh_for=self.fresh_for,
            grade=Grade[self.grade.upper()],
            changed_key_holds=True,
        )
        return DocumentPolicy(rules, frozenset(SideId(side) for side in self.valuation_to))


class MembershipPart(_Part):
    """How rooms are brought back to the roster; left out: by ``wallcross apply`` alone."""

    remove: Literal["apply", "at_once"] = "apply"
    """``at_once``: who is listed and cleared no more is put out by itself, within the caps."""
    most: int = Field(default=3, ge=1, le=3)
    one_in: int = Field(default=4, ge=4, le=100)

    def rules(self) -> MembershipPolicy:
        """As the rules use them."""
        return MembershipPolicy(self.remove == "at_once", self.most, self.one_in)


class PolicyFile(_Part):
    """The whole document."""

    version: Literal[1] = 1
    held_for: Length
    unknown_recipient: Literal["hold"] = "hold"
    stale_posture: Literal["hold"] = "hold"
    topics: dict[str, TierName]
    tiers: TiersPart
    counsel: dict[str, list[PublicKey]] = {}
    documents: DocumentsPart | None = None
    """Left out: no formal document is sent."""
    notice_grace: Length | None = None
    """How long an acknowledgement counts after a notice's wording changed; left out: 7 days."""
    review_every: Length | None = None
    """How often somebody is to look through who may see what; left out: 90 days."""
    act_at: int | None = Field(default=None, ge=1, le=LONGEST_LINE)
    """Points of leak risk from which the deal's people act; left out: 40."""
    risk_on: list[Literal["hours_unusual", "volume_unusual"]] | None = None
    """Rules about a side's hours or volume (docs/dpia.md); left out: none."""
    membership: MembershipPart | None = None

    @model_validator(mode="after")
    def _topics(self) -> Self:
        base = {tier.value: tier.value for tier in Tier}
        if any(self.topics.get(topic) != tier for topic, tier in base.items()):
            raise ValueError("topics valuation, operations and coordination keep their own tier")
        return self


def default_text() -> str:
    """The policy that ships (docs/product.md section 3)."""
    return (resources.files("orchestrator.config") / "policy.default.toml").read_text("utf-8")


def read_policy(text: str, what: Path | str = "policy") -> str:
    """Reads a policy file and returns its canonical document.

    Args:
        text: TOML.
        what: how a mistake names it.

    Raises:
        PolicyInvalid: with every mistake.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PolicyInvalid(what, [Mistake("TOML", str(error), f"See {GUIDE}")]) from None
    return _checked(data, text, what)


def canonical_policy(document: str) -> str:
    """Checks a document (JSON) and returns its canonical form.

    Raises:
        PolicyInvalid: with every mistake.
    """
    try:
        data = json.loads(document)
    except (ValueError, RecursionError):
        raise PolicyInvalid("policy", [Mistake("JSON", "not JSON", f"See {GUIDE}")]) from None
    return _checked(data, "", "policy")


def to_policy(document: str, *, made_up: bool) -> Policy:
    """The rules of a canonical document.

    Args:
        document: canonical, as adopted.
        made_up: of the deal: a channel's grade *lab* is enough.

    Raises:
        PolicyInvalid: with every mistake.
    """
    file = PolicyFile.model_validate(json.loads(canonical_policy(document)))
    return Policy(
        hash=document_hash(document),
        tiers={Tier(name): part.rules(name) for name, part in file.tiers},
        topics={topic: Tier(name) for topic, name in file.topics.items()},
        held_for=file.held_for,
        lab_allowed=made_up,
        documents=file.documents.rules(file) if file.documents is not None else None,
        membership=(file.membership or MembershipPart()).rules(),
        notice_grace=NOTICE_GRACE if file.notice_grace is None else file.notice_grace,
        review_every=REVIEW_EVERY if file.review_every is None else file.review_every,
        act_at=ACT_AT if file.act_at is None else file.act_at,
        risk_on=frozenset(file.risk_on or ()),
    )


def counsel_of(document: str) -> dict[str, tuple[str, ...]]:
    """Whose signatures, all of them, exempt a scope from the journal; by ``joint`` or side."""
    return {scope: tuple(keys) for scope, keys in json.loads(document).get("counsel", {}).items()}


def document_hash(document: str) -> str:
    """The sha256 of a canonical document, in hexadecimal."""
    return hashlib.sha256(document.encode()).hexdigest()


def _demand(name: str, found: str | BoundPart) -> Demand:
    if isinstance(found, BoundPart):
        return Demand(Guarantee(name), Evidence[found.least.upper()], found.at_most)
    return Demand(Guarantee(name), Evidence[found.upper()])


def _checked(data: Any, text: str, what: Path | str) -> str:
    lines = lines_of(text)
    if mistakes := shape_mistakes(PolicyFile, data, lines, GUIDE):
        raise PolicyInvalid(what, mistakes)
    file = PolicyFile.model_validate(data)
    found = (*_floors(file), *_order(file))
    if mistakes := [Mistake(".".join(p), no, then, nearest(lines, p)) for p, no, then in found]:
        raise PolicyInvalid(what, mistakes)
    return rfc8785.dumps(file.model_dump(exclude_none=True)).decode()


Finding = tuple[tuple[str, ...], str, str]
_EVERYWHERE = (Guarantee.INVITE_ONLY, Guarantee.MEMBERS_READABLE)
_ENCRYPTED = (Guarantee.ENCRYPTED_IN_TRANSIT, Guarantee.END_TO_END_ENCRYPTED)
_DOCUMENTS = (
    Guarantee.END_TO_END_ENCRYPTED,
    Guarantee.INVITE_ONLY,
    Guarantee.MEMBERS_READABLE,
    Guarantee.DEVICES_VERIFIED,
)
_VALUATION = (Guarantee.END_TO_END_ENCRYPTED, Guarantee.DEVICES_VERIFIED)


def _floors(file: PolicyFile) -> Iterator[Finding]:
    for name, part in file.tiers:
        demanded = {d.guarantee for d in part.demands.demands()}
        needed = (*_EVERYWHERE, *(_VALUATION if name == Tier.VALUATION.value else ()))
        for guarantee in needed:
            if guarantee not in demanded:
                yield _missing(name, guarantee)
        if not demanded.intersection(_ENCRYPTED):
            yield _missing(name, Guarantee.ENCRYPTED_IN_TRANSIT)
    if file.tiers.valuation.repeat_after_unknown != "ask":
        place = ("tiers", "valuation", "repeat_after_unknown")
        yield place, "VALUATION would be repeated by itself", "Write ask"
    if (file.tiers.valuation.verified_for or 0) > LONGEST:
        place = ("tiers", "valuation", "verified_for")
        yield place, "a ceremony would speak for more than a year", "Write 180d, or up to 366d"
    if file.tiers.valuation.attested_accounts:
        place = ("tiers", "valuation", "attested_accounts")
        yield place, "counsel's word would do for whose an account is", "Leave it out"
    if (file.notice_grace or 0) > LONGEST_GRACE:
        then = "Write 7 d, or up to 30 d"
        yield ("notice_grace",), "an earlier wording would count for more than a month", then
    if (file.review_every or 0) > LONGEST_REVIEW:
        then = "Write 90 d, or up to 366 d"
        yield ("review_every",), "nobody would look at the roster for more than a year", then


def _missing(tier: str, guarantee: Guarantee) -> Finding:
    place = ("tiers", tier, "demands", guarantee.value)
    return place, "every policy demands it here", f"Write {guarantee.value} = …"


def _order(file: PolicyFile) -> Iterator[Finding]:
    parts = (file.tiers.coordination, file.tiers.operations, file.tiers.valuation)
    rules = [part.rules(tier.value) for part, tier in zip(parts, Tier, strict=True)]
    for weaker, stricter, tier in zip(rules, rules[1:], list(Tier)[1:], strict=False):
        yield from _not_weaker(weaker, stricter, ("tiers", tier.value))


def _not_weaker(
    weaker: TierPolicy, stricter: TierPolicy, place: tuple[str, ...]
) -> Iterator[Finding]:
    then = "A stricter tier is never weaker"
    if stricter.fresh_for > weaker.fresh_for:
        yield (*place, "fresh_for"), "readings may be older than in the tier below", then
    if stricter.grade < weaker.grade:
        yield (*place, "grade"), "less proof than in the tier below", then
    if weaker.changed_key_holds and not stricter.changed_key_holds:
        yield (*place, "changed_key"), "a changed key holds in the tier below", then
    if stricter.repeat_unknown and not weaker.repeat_unknown:
        yield (*place, "repeat_after_unknown"), "the tier below does not repeat", then
    if stricter.mirrored and not weaker.mirrored:
        yield (*place, "mirrored"), "the tier below is not mirrored", then
    if stricter.attested_accounts and not weaker.attested_accounts:
        yield (*place, "attested_accounts"), "the tier below does not take counsel's word", then
    kept = {d.guarantee: d for d in stricter.demands}
    for demand in weaker.demands:
        if not _covers(kept, demand):
            where = (*place, "demands", demand.guarantee.value)
            yield where, "the tier below demands more here", then


def _covers(kept: Mapping[Guarantee, Demand], demand: Demand) -> bool:
    found = kept.get(demand.guarantee)
    if found is None and demand.guarantee is Guarantee.ENCRYPTED_IN_TRANSIT:
        found = kept.get(Guarantee.END_TO_END_ENCRYPTED)
    if found is None or found.least < demand.least:
        return False
    return demand.at_most is None or (found.at_most or demand.at_most + 1) <= demand.at_most
