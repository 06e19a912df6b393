"""What the words of a text say where no model can be asked: the strict end.

Rule kept here: without the model a text counts as COORDINATION only when it talks of coordination
and of nothing else, and one word of price or position is enough for VALUATION.
"""

import re

from tiers.tier import Tier

_VALUATION = re.compile(
    r"\b(?:offers?|offered|offering|bids?|bidd\w+|price[ds]?|pricing|premium|valu(?:e|ed|ation)s?"
    r"|worth|multiple|synerg\w+|earn-?out|escrow|break fee|termination fee|success fee|dilut\w+"
    r"|leverage|walk[- ]?away|position|exposure|margin|counter(?:offer|proposal)?|negotiat\w+"
    r"|interest(?:ed)? in (?:buying|selling)|sell|buy|buyer|seller|stake|acquir\w+|acquisition"
    r"|merger|take-?over|exclusivity|financ\w+|lender|loan|covenant|equity|debt|rating|downgrade"
    r"|forecast|earnings|ebitda?|npv|irr|discount|settle(?:ment)?|reserve|board|hedge|strike"
    r"|mark[- ]to[- ]market|p&l|profit|loss|proposal|terms"
    r"|angebot\w*|gebot\w*|kaufpreis\w*|preis\w*|bewert\w+|pramie|verkauf\w*|kauf\w*|kaufer"
    r"|beteilig\w+|finanzier\w+|kredit\w*|eigenkapital|vorstand\w*|aufsichtsrat\w*|vergleich\w*"
    r"|ergebnis\w*|prognose\w*|verhandl\w+|rendite\w*|barwert|ubernahme\w*|haftung\w*"
    r"|offres?|prix|prime|valorisation|valeur|cession|ceder|rachat|acheter|acheteur|vendre"
    r"|vendeur|financement|pret|rendement|conseil d.administration|negoci\w+|encher\w+|resultat\w*"
    r"|prevision\w*|transaction|marge)\b",
    re.IGNORECASE,
)
_OPERATIONS = re.compile(
    r"\b(?:agreements?|contracts?|clause|amendment|draft|sign(?:ed|ature)|execut\w+|legal|counsel"
    r"|lawyer|diligence|data ?room|audit\w*|filing|filed|regulat\w+|commission|compliance|tax"
    r"|accounting|invoice|confirmation|credit|guarant\w+|hr|hire|hiring|candidate|salary|bonus"
    r"|severance|headcount|integration|system|data|report|project|permit|testimony|court|claim"
    r"|license|policy|document|consent|memo|vendor|volume|nominat\w+|pipeline|schedul\w+"
    r"|vertrag\w*|klausel|entwurf|anwalt\w*|kanzlei|prufung|prufer|behorde|kartellamt|steuer\w*"
    r"|rechnung\w*|personal\w*|bewerber|gehalt|datenraum|vollmacht|bericht|unterlagen|projekt\w*"
    r"|contrat\w*|avenant|projet|avocat\w*|auditeurs?|autorite|fiscal\w*|facture\w*|embauche"
    r"|candidat\w*|salaire|rapport|dossier|mandat|pouvoir|signature)\b",
    re.IGNORECASE,
)
_COORDINATION = re.compile(
    r"\b(?:meet(?:ing)?|lunch|dinner|call|thanks?|thank you|room|flight|hotel|vacation|holiday"
    r"|birthday|congratulations|party|tickets?|game|password|fyi|see you|parking|reminder|weekend"
    r"|ok(?:ay)?|yes|sure|great|danke|termin|besprechung|raum|urlaub|flug|essen|treffen|gruss\w*"
    r"|merci|reunion|salle|vacances|vol|dejeuner|diner|rendez-vous|bonjour|d.accord)\b",
    re.IGNORECASE,
)


def topics(bare: str) -> list[tuple[Tier, int, int]]:
    """The first word of each topic in a text.

    Args:
        bare: normalised text without accents.

    Returns:
        (tier, start, end) for each topic that is there, most sensitive first.
    """
    found = []
    for tier, pattern in ((Tier.VALUATION, _VALUATION), (Tier.OPERATIONS, _OPERATIONS)):
        match = pattern.search(bare)
        if match is not None:
            found.append((tier, *match.span()))
    return found


def strict_tier(bare: str) -> Tier:
    """The tier by words alone; OPERATIONS for what says nothing we know."""
    found = topics(bare)
    if found:
        return found[0][0]
    coordination = not bare.strip() or _COORDINATION.search(bare) is not None
    return Tier.COORDINATION if coordination else Tier.OPERATIONS
