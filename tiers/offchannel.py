"""Whether a text asks somebody to go on elsewhere than on the deal's channels. Pure.

Rules kept here:

1. To name another network is nothing; to ask to go there is. What forbids it, or tells of it, is
   left alone. A link that opens a chat elsewhere is an invitation by itself.
2. It is read clause by clause, in English, German, French, Spanish and Italian, as people type it:
   without accents, in any case, disguised or not.
3. The answer is places, never words. It asks people to look: nothing is held for it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from tiers.normalise import normalise

LONGEST: Final = 20_000
"""Characters of a text that are looked at."""


@dataclass(frozen=True, slots=True)
class Invitation:
    """Where a text asks to go elsewhere: characters of the original text."""

    start: int
    end: int


_NETWORK = (
    r"(?:whats?\s?app|wa|telegram|we\s?chat|weixin|viber|i\s?message|facebook(?:\s?messenger)?|"
    r"fb\s?messenger|instagram|insta|snap\s?chat|discord|threema|skype|kakao(?:\s?talk)?|sms|"
    r"text\s?messages?|texts|g\s?mail|google\s?(?:chat|mail)|hotmail|yahoo(?:\s?mail)?|gmx|i\s?cloud|"
    r"proton\s?mail|wickr\s?me)"
)
_OWN = (
    r"(?:(?:private[nmrs]?|privat|personal|own|home|eigene[nmrs]?|personal?es?|privado|privada|"
    r"privat[oaie]|personale)\s(?:e\W?mails?|mails?|inbox|accounts?|address|phone|mobile|cell|number|"
    r"chat|messenger|signal|handy|nummer|adresse|konto|postfach|correo|numero|indirizzo|cellulare)|"
    r"(?:e\W?mail|mail|messagerie|numero|telephone|portable|adresse|compte|boite|correo|cuenta|"
    r"indirizzo|numero|telefono)\s(?:perso\w*|privee?s?|privad[oa]|personal|personale|privat[oa])|"
    r"privat(?:mail|nummer|handy|adresse|account|konto|chat)|privathandy)"
)
_ELSEWHERE = rf"(?:(?:(?:private?|personal|own|eigene\w*)\s)?{_NETWORK}|{_OWN})"
_BY = (
    r"(?:on|onto|over|over\sto|via|to|by|through|using|use|in|into|at|"
    r"auf|per|uber|ubers|zu|zum|mit|an|in|nach|via|"
    r"sur|par|vers|a|au|en|avec|por|al|su|tramite|con)"
)
_MY = (
    r"(?:(?:my|your|his|her|our|a|the|mein\w*|dein\w*|ihr\w*|unser\w*|das|die|den|dem|"
    r"mon|ma|ton|ta|votre|notre|le|la|mi|tu|su|mio|mia|tuo|tua|il)\s)?"
)
_ASKS = (
    r"(?:let'?s|lets|let\sus|(?:can|could|shall|should|may|might|why\sdon'?t)\s(?:we|you)|"
    r"we\s(?:can|could|should|must|had\sbetter|better)|please|pls|i'?d\s(?:rather|prefer)|"
    r"i\swould\s(?:rather|prefer)|better|easier|quicker|safer|happy\sto|"
    r"move|switch|continue|carry|take|go|hop|jump|shift|come|reach|find|contact|message|text|ping|"
    r"write|send|drop|add|join|meet|talk|chat|use|forward|hit|catch|get|reply|respond|answer|dm|"
    r"lass(?:t|en)?(?:\suns|\ssie\suns)|(?:konnen|konnten|sollen|sollten|wollen)\swir|bitte|lieber|"
    r"besser|wechsel\w*|schreib\w*|schick\w*|send\w*|meld\w*|erreich\w*|mach(?:en)?\swir|geh(?:en)?\swir|"
    r"komm\w*|rede\w*|weiter\w*|nimm|nehmen\swir|"
    r"passons|passe\w*|continu\w*|ecri\w*|envoi\w*|envoye\w*|parlons|discutons|basculons|plutot|"
    r"mieux|contacte\w*|rejoin\w*|utilis\w*|on\s(?:peut|pourrait|passe|continue|se\sparle)|repond\w*|"
    r"pasemos|pasamos|sigamos|seguimos|hablemos|hablamos|escrib\w*|mejor|manda\w*|envia\w*|contact\w*|"
    r"passiamo|continuiamo|parliamo\w*|scriv\w*|meglio|sentiamoci|mand\w*|usiamo)"
)
_NOT: Final = re.compile(
    r"\b(?:do\snot|don'?t|never|must\snot|mustn'?t|may\snot|should\snot|shouldn'?t|cannot|can'?t|not|no|"
    r"nobody|forbidden|prohibited|banned|avoid|refrain|instead\sof|rather\sthan|stop|without|"
    r"nicht|kein\w*|nie|niemals|niemand|verboten|untersagt|statt|anstatt|anstelle|ohne|vermeide\w*|"
    r"pas|jamais|interdit\w*|au\slieu|evit\w*|sans|nunca|prohibid\w*|en\slugar|sin|mai|vietat\w*|"
    r"invece|senza|evita\w*)\b"
)
_GO: Final = re.compile(rf"\b{_ASKS}\b[^\n]{{0,70}}?\b{_BY}\s{_MY}{_ELSEWHERE}\b")
_BACK: Final = re.compile(
    rf"\b{_BY}\s{_MY}{_ELSEWHERE}\b[^\n]{{0,30}}?\b"
    r"(?:instead|please|rather|from\snow|is\s(?:better|easier|safer|fine|best)|weiter\w*|lieber|"
    r"besser|ab\s(?:jetzt|sofort)|plutot|desormais|mieux|mejor|meglio)\b"
)
_VERB: Final = re.compile(
    r"\b(?:whats?\s?app|telegram|text|sms|dm|imessage|wechat|skype|viber)\s(?:me|us)\b"
    r"|\b(?:simst?|whatsappe\w*)\s(?:mir|uns)\b"
)
_BETTER: Final = re.compile(
    rf"\b{_ELSEWHERE}\b\s(?:is|ware|ist|would\sbe|serait|est|seria|sarebbe)\s"
    r"(?:better|easier|safer|quicker|faster|fine|besser|einfacher|sicherer|schneller|"
    r"mieux|plus\s\w+|mejor|meglio)\b"
)
_PRIVATE: Final = re.compile(
    rf"\b(?:my|mein\w*|mon|ma|mi|mio|mia)\s{_ELSEWHERE}\b[^\n]{{0,20}}?\b(?:is|lautet|ist|est|es|e)\b"
)
_USE: Final = re.compile(
    rf"\b(?:use|nimm|nutze?|benutze?|utilise[rz]?|usa|usiamo|usemos)\s{_MY}{_ELSEWHERE}\b"
    rf"|\b(?:i'?m|i\sam|we'?re|find\sme|ich\sbin|je\ssuis|estoy|sono)\s{_BY}\s{_MY}{_NETWORK}\b"
)
_ALONE: Final = re.compile(
    rf"^\W*(?:(?:and|or|what\sabout|how\sabout|maybe|oder|ou)\s*)?{_NETWORK}\s*$"
)
_PERSONAL: Final = re.compile(
    r"\b(?:i|me|my|we|us|our|you|your|let'?s|lets|please|pls|better|easier|rather|quicker|safer|"
    r"ich|mir|mich|mein\w*|wir|uns|du|dir|dich|sie|bitte|lieber|besser|"
    r"je|moi|mon|ma|nous|vous|tu|toi|on\s(?:peut|pourrait|passe|continue|se)|plutot|mieux|mejor|mi|meglio|mio|mia)\b"
)
_FIRST: Final = frozenset(
    {"", "and", "then", "so", "just", "ok", "okay", "also", "but", "or", "now", "und", "et"}
)
_OFF: Final = re.compile(
    r"\b(?:let'?s|let\sus|can\swe|could\swe|shall\swe|please|move|take|continue|keep)\b[^\n]{0,40}?\b"
    r"(?:off\W?channel|off\s(?:the\s)?platform|off\sthis\s(?:channel|app|platform|system)|"
    r"outside\s(?:of\s)?(?:this|the)\s(?:channel|platform|system|tool|app|deal\sroom))\b"
    r"|\b(?:ausserhalb|abseits)\s(?:dieses|des|vom)\s(?:kanals?|systems?|tools?)\b"
    r"|\b(?:hors|en\sdehors)\s(?:de\s)?(?:ce|du|cette|la)\s(?:canal|systeme|plateforme|outil)\b"
)
_LINK: Final = re.compile(
    r"\b(?:wa\.me/|chat\.whatsapp\.com/|api\.whatsapp\.com/|t\.me/|telegram\.me/|"
    r"signal\.group/|discord\.gg/|m\.me/|join\.skype\.com/)\S"
)
_PATTERNS: Final = (_GO, _BACK, _VERB, _BETTER, _PRIVATE, _USE, _OFF)
_NAMED: Final = re.compile(
    rf"\b(?:{_NETWORK}|{_OWN}|dm|text|simst?|off|outside|ausserhalb|abseits|hors|dehors)"
    rf"|{_LINK.pattern}"
)
"""One of these stands in whatever the patterns find."""
_CLAUSE: Final = re.compile(r"[^,;.!?:\n()\u2013\u2014]+(?:\.(?=\w)[^,;.!?:\n()\u2013\u2014]*)*")


def invitations(text: str) -> tuple[Invitation, ...]:
    """Where a text asks to go on elsewhere.

    Args:
        text: as it was written.
    """
    read = normalise(text[:LONGEST])
    bare = _plain(read.bare)
    if _NAMED.search(bare) is None:
        return ()
    found = dict.fromkeys([*_links(bare), *_asked(bare)])
    return tuple(Invitation(*read.original(start, end)) for start, end in found)


def _plain(text: str) -> str:
    """In small letters, character for character."""
    small = text.lower()
    if len(small) != len(text):
        small = "".join(c.lower() if len(c.lower()) == 1 else c for c in text)
    return small.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'").replace("ß", "s")


def _links(text: str) -> Iterator[tuple[int, int]]:
    return (match.span() for match in _LINK.finditer(text))


def _asked(text: str) -> Iterator[tuple[int, int]]:
    for clause in _CLAUSE.finditer(text):
        said = clause.group()
        if _ALONE.match(said) and text[clause.end() : clause.end() + 1] == "?":
            yield clause.span()
            continue
        if _NOT.search(said):
            continue
        match = next(
            (m for m in (p.search(said) for p in _PATTERNS) if m and _meant(m, said)), None
        )
        if match is not None:
            yield clause.start() + match.start(), clause.start() + match.end()


def _meant(match: re.Match[str], said: str) -> bool:
    """Whether somebody is asked, and it is not told of others what they do."""
    if match.re is not _GO:
        return True
    return said[: match.start()].strip() in _FIRST or _PERSONAL.search(said) is not None
