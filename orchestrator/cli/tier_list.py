"""`wallcross tier list` and `tier show`: what each tier demands, and where that comes from.

Rule kept here: without a deal it is the policy that ships, and that is said.
"""

from collections.abc import Iterator
from dataclasses import asdict
from importlib import import_module
from typing import Annotated

import typer

from orchestrator.cli.out import Out
from orchestrator.cli.session import call
from orchestrator.client.problems import Wrong
from orchestrator.client.tiers import TiersView, TierView
from orchestrator.config.policy import default_text, read_policy, to_policy
from orchestrator.config.spans import words
from tiers.model import load_classifier
from tiers.tier import Tier

NONE = "no tier"


def list_(ctx: typer.Context) -> None:
    """The tiers in force, the strictest first: channels, demands, timer, and how long."""
    found, out = _found(ctx)
    _whence(found, out)
    out.each(found.tiers, _line, NONE)


def show(
    ctx: typer.Context,
    tier: Annotated[Tier, typer.Argument(help="valuation, operations or coordination.")],
) -> None:
    """One tier in full: demands, channels, times, what raises a text to it, and its sources."""
    found, out = _found(ctx)
    [one] = [each for each in found.tiers if each.tier == tier.value]
    whole = {"policy": found.policy, "shipped": found.shipped, "classifier": found.classifier,
             "degraded": found.degraded, "watched": found.watched}  # fmt: skip
    out.one({**asdict(one), **whole}, lambda: _lines(found, one))


def _found(ctx: typer.Context) -> tuple[TiersView, Out]:
    """The tiers of the deal that is meant, else of the policy that ships. Raises: Wrong."""
    deal = _deal(ctx)
    if deal is not None:
        return call(ctx.obj, lambda c: c.tier_list(deal))
    policy = to_policy(read_policy(default_text()), made_up=False)
    # with a deal the home answers, and none of this is needed here
    tier_rules = import_module("orchestrator.query.tier_rules")
    found: TiersView = tier_rules.tiers_of(policy, load_classifier(), 0)
    return found, Out(ctx.obj)


def _deal(ctx: typer.Context) -> str | None:
    """The deal as named, else the only one; None where there is none."""
    named: str | None = ctx.obj.deal
    if named is not None or not (ctx.obj.server or ctx.obj.settings().state.is_dir()):
        return named
    deals, _ = call(ctx.obj, lambda c: c.deal_list())
    if len(deals) > 1:
        raise Wrong("Which deal?", then="name it with --deal CODE; wallcross deal list shows them")
    return deals[0].code if deals else None


def _whence(found: TiersView, out: Out) -> None:
    ships = ", the policy that ships" if found.shipped else ""
    out.note(f"policy {found.policy[:12]}{ships}; a held message is settled within "
             f"{words(found.held_for)}")  # fmt: skip


def _line(tier: TierView) -> Iterator[str]:
    channels = [c.channel for c in tier.channels if c.fits]
    closed = [f"{c.channel} (not open)" for c in tier.channels if c.fits is None]
    carried = ", ".join([*channels, *closed]) or "no channel"
    timer = "no timer" if tier.timer is None else f"gone after {words(tier.timer)}"
    demands = ", ".join(name for name, _, _ in tier.demands)
    kept = f"read within {words(tier.fresh_for)}, kept {words(tier.keep_for)}"
    yield f"{tier.tier:<13} {carried}; {demands}; {timer}; {kept}"


def _lines(found: TiersView, tier: TierView) -> Iterator[str]:
    yield tier.tier
    for name, least, said in tier.demands:
        yield f"  demands  {name:<22} {least:<9} {said}"
    for channel in tier.channels:
        state = {True: "fits", False: "does not fit", None: "not known"}[channel.fits]
        why = f": {'; '.join(channel.lacks)}" if channel.lacks else ""
        yield f"  channel  {channel.channel} ({channel.kind}, {channel.grade}) {state}{why}"
    yield from (f"  {name:<24} {value}" for name, value in _times(tier))
    for rule in tier.rules:
        yield f"  raised by  {rule.rule:<22} {rule.strength:<11} {rule.purpose}"
    if not tier.rules:
        yield "  raised by  nothing: it is the lowest"
    yield from _sources(found)


def _times(tier: TierView) -> Iterator[tuple[str, str]]:
    yield "timer", "none" if tier.timer is None else f"at most {words(tier.timer)}"
    yield "a reading counts for", words(tier.fresh_for)
    yield "a ceremony speaks for", words(tier.verified_for)
    yield "an unsent body is kept", words(tier.body_for)
    yield "the journal keeps", f"{words(tier.keep_for)} ({tier.record_class})"
    yield "least proof of a channel", tier.grade
    yield "a changed key", tier.changed_key
    yield "after an unknown outcome", tier.repeat_after_unknown
    yield "a dead head of a lane", tier.dead_head
    yield "in several rooms", "yes" if tier.mirrored else "no"
    yield "counsel's word for it", "is enough" if tier.attested_accounts else "is not enough"
    if tier.order:
        yield "people sit first on", ", ".join(tier.order)


def _sources(found: TiersView) -> Iterator[str]:
    ships = " (it means what the policy that ships does)" if found.shipped else ""
    yield f"  policy      {found.policy}{ships}"
    model = "; no model here: rules alone, at the strict end" if found.degraded else ""
    yield f"  classifier  {found.classifier[:12]}{model}"
    lost = found.watched is None
    yield f"  watch list  {'lost: everything is held' if lost else f'{found.watched} entries'}"
