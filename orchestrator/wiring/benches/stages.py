"""Which kinds of channel can be benched, each with its stage.

Rule kept here: a network's library is imported when its bench is asked for, and not before.
"""

from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path

from orchestrator.wiring.benches.channel import Stage, channel_report

_STAGES = {
    "matrix": "matrix:matrix",
    "pgpmail": "mail:pgpmail",
    "signal": "standins:signal_rest",
    "signal-json-rpc": "standins:signal_rpc",
    "wickr": "standins:wickr",
    "xmpp": "xmpp:xmpp",
    "xmpp-omemo": "xmpp:xmpp_omemo",
}
KINDS = tuple(_STAGES)


class _Loaded(Mapping[str, Stage]):
    def __getitem__(self, kind: str) -> Stage:
        module, _, name = _STAGES[kind].partition(":")
        stage: Stage = getattr(import_module(f"orchestrator.wiring.benches.{module}"), name)
        return stage

    def __iter__(self) -> Iterator[str]:
        return iter(_STAGES)

    def __len__(self) -> int:
        return len(_STAGES)


async def report(kind: str, folder: Path, *, count: int, rounds: int) -> dict[str, object]:
    """Measures one kind; see ``channel_report``."""
    return await channel_report(kind, _Loaded(), folder, count=count, rounds=rounds)
