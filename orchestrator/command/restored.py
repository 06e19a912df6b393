"""A home that was restored from a backup: nothing goes out until a named person says so.

What happened between the backup and the restore is not in its record: people may have left, and
what waits here may have gone, or may come from the network a second time.

Rules kept here:

1. The first who opens it states it in every chain, with the backup's instant, and pauses every
   channel that the settings name or its store knows: whoever opens it first may not have its
   settings in their place yet. Going past the red check ``restored``, without which it is opened
   towards no network, pauses what the settings name besides. It stands in every chain too.
2. What waited to be sent counts as begun: its network is asked, and where that cannot say, the
   tier's policy decides, as after a crash (``outbox.settle``).
3. What was written before he said so is passed on by a person alone (``flow.route``).
4. What is believed of it is the record's, not a row's.
"""

import json
from collections.abc import Iterable
from typing import Final

from orchestrator.audit.body import Json
from orchestrator.audit.chain import HOME, append, append_each
from orchestrator.audit.granted import Stated, commitment, stated
from orchestrator.audit.kinds import Kind
from orchestrator.backup.restore import MARK
from orchestrator.client.problems import Unready
from orchestrator.client.views import Check
from orchestrator.clock import iso
from orchestrator.command.channels import paused_of, write_pause
from orchestrator.outbox.port import OURS
from orchestrator.roster.deals import list_deals
from orchestrator.store.unit import Store, Tx
from tiers.ids import ConnectorName

ACTOR: Final = "system"
CHECK: Final = "restored"
"""The check that is red meanwhile, for ``serve --allow``."""
PAUSED: Final = "restored from a backup"
_KNOWN: Final = "SELECT connector FROM room UNION SELECT connector FROM delivery"
_THEN: Final = "docs/guides/operator.md#restore, then wallcross serve --allow restored"


async def state_restored(store: Store, channels: Iterable[str], at: int) -> None:
    """States that a home was restored, once, and has everything stand still.

    Args:
        store: of the home, with its pen.
        channels: that its settings name.
        at: microseconds UTC.
    """
    mark = await store.read(lambda tx: tx.one("SELECT value FROM home WHERE key = ?", (MARK,)))
    if mark is None:
        return
    told = json.loads(mark[0])

    def unit(tx: Tx) -> None:
        body: dict[str, Json] = {
            "backup_at": int(told["backup_at"]),
            "restored_at": int(told["restored_at"]),
            "manifest": str(told["manifest"]),
            "row": commitment("restored", str(told["manifest"])),
        }
        chains = [*(deal.deal_id for deal in list_deals(tx)), HOME]
        append_each(tx, [(c, Kind.HOME_RESTORED, body) for c in chains], at=at, actor=ACTOR)
        for name in sorted({*channels, *(known for (known,) in tx.all(_KNOWN))} - {OURS}):
            write_pause(tx, name, PAUSED, Kind.CHANNEL_PAUSED, at=at, actor=ACTOR)
        _begin(tx, int(told["backup_at"]))
        tx.expect("DELETE FROM home WHERE key = ?", (MARK,))

    await store.write(unit)


def _begin(tx: Tx, at: int) -> None:
    """What waited may have gone since: each delivery counts as begun at the backup's instant."""
    tx.run(
        "UPDATE delivery SET state = 'started', attempts = attempts + 1, started_at = ? "
        "WHERE state = 'queued'",
        (at,),
    )


def accept(tx: Tx, channels: Iterable[ConnectorName], *, at: int, actor: str) -> None:
    """States that a named person lets the restored home go on; nothing where it needs nobody.

    Args:
        tx: the unit.
        channels: that its settings name now; each opens paused.
        at: microseconds UTC.
        actor: who says so.
    """
    if (open_one := restored(tx)) is not None:
        for name in channels:
            if paused_of(tx, name) is None:
                write_pause(tx, name, PAUSED, Kind.CHANNEL_PAUSED, at=at, actor=ACTOR)
        body: dict[str, Json] = {
            "manifest": open_one.body["manifest"],
            "row": commitment("accepted", open_one.body["manifest"]),
        }
        append(tx, HOME, Kind.HOME_ACCEPTED, body, at=at, actor=actor)


def restored(tx: Tx) -> Stated | None:
    """The restore that nobody has accepted yet, as the record states it."""
    last = _last(tx)
    return last if last is not None and last.kind == Kind.HOME_RESTORED else None


def went_on_at(tx: Tx) -> int:
    """When a restored home was let go on last, microseconds UTC; 0 where it never was restored."""
    last = _last(tx)
    return last.at if last is not None and last.kind == Kind.HOME_ACCEPTED else 0


def _last(tx: Tx) -> Stated | None:
    kinds = (Kind.HOME_RESTORED, Kind.HOME_ACCEPTED)
    found = [entry for entry in stated(tx, HOME) if entry.kind in kinds]
    return found[-1] if found else None


async def refuse_restored(store: Store) -> None:
    """Keeps a restored home from its networks until somebody accepted it.

    Raises:
        Unready: nobody did.
    """
    found = await store.read(restored)
    if found is not None:
        raise Unready(_text(found), still="Nothing was sent, and no channel was opened", then=_THEN)


def restored_check(tx: Tx) -> Check:
    """Whether a restore waits for somebody's word."""
    found = restored(tx)
    if found is not None:
        return Check(name=CHECK, state="fix", text=_text(found), then=_THEN)
    at = went_on_at(tx)
    text = f"accepted on {iso(at)[:19]}Z" if at else "this home was not restored from a backup"
    return Check(name=CHECK, state="ok", text=text)


def _text(found: Stated) -> str:
    backup, put = iso(found.body["backup_at"])[:19], iso(found.body["restored_at"])[:19]
    return (
        f"this home is a backup of {backup}Z, restored {put}Z, and nobody said that it may go on; "
        "who left since is on its list, a key revoked since counts, a legal hold placed since "
        "keeps nothing, and what it would send may have gone"
    )
