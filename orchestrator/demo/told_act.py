"""People are told who hosts their conversation, who reads it, and what is kept of it."""

from orchestrator.demo.farside import Seen
from orchestrator.demo.mailside import OURS
from orchestrator.demo.phones import OURS as OURS_ON_SIGNAL
from orchestrator.demo.script import NOTICE
from orchestrator.demo.stage import BOT, NotSeen, Stage, name_of

_ON_MATRIX = {"price": "viktor-sand", "diligence": "idris-costa", "logistics": "noor-ivanova"}
_ON_SIGNAL = "viktor-sand"
_BY_MAIL = "laura-penn"


async def told(stage: Stage) -> str:
    """A member of each network has read our account's notice: on a phone, or opened by gpg."""
    for label, person in _ON_MATRIX.items():
        await _on_matrix(stage, label, person)
    await _on_signal(stage)
    await _by_mail(stage)
    await stage.say("Every conversation was told, by our account and for all to read:")
    for sentence in NOTICE:
        await stage.say(f'  "{sentence}"')
    return f"read in {len(_ON_MATRIX)} rooms, on Signal and in an adviser's mail"


def is_notice(text: str) -> bool:
    """Whether a text tells the host, the reader, and what is kept."""
    return all(sentence in text for sentence in NOTICE)


async def _on_matrix(stage: Stage, label: str, person: str) -> None:
    phone, room = stage.people[person], stage.rooms[label]

    def shown() -> list[Seen]:
        ours = [s for s in phone.seen if s.room == room and s.sender == BOT]
        return [s for s in ours if is_notice(s.said) and s.event_id not in phone.redacted]

    await phone.sync()
    if not await phone.until(shown, stage.patience):
        raise NotSeen(f"{name_of(person)} was not told who hosts #{label}")


async def _on_signal(stage: Stage) -> None:
    shown = await stage.signal.until(
        _ON_SIGNAL,
        stage.rooms["board"],
        lambda m: m.author == OURS_ON_SIGNAL and is_notice(m.text or ""),
        stage.patience,
    )
    if shown is None:
        raise NotSeen(f"{name_of(_ON_SIGNAL)} was not told who hosts #board")


async def _by_mail(stage: Stage) -> None:
    adviser = stage.mail.advisers[_BY_MAIL]
    ours = adviser.key_of(OURS)
    mail = await adviser.until(lambda m: m.signer == ours and is_notice(m.text), stage.patience)
    if mail is None:
        raise NotSeen(f"{name_of(_BY_MAIL)} was not told who hosts #agreement")
