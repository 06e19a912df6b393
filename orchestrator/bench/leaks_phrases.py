"""Templates of ``leaks_kinds``: how each kind of text is worded. Companies and people are nobody's.

Rule kept here: a kind's templates are its own; what stands in braces is drawn from ``SLOTS``.
"""

from typing import Final


def _each(block: str) -> tuple[str, ...]:
    """Its paragraphs, each on one line."""
    return tuple(" ".join(part.split()) for part in block.split("\n\n"))


CLAUSES: Final = _each("""
Without prejudice to clause {n}.{n}, the {party} shall procure that no member of its group
{undertakes} before {event}, save where the {other} has consented in a signed instrument naming
{name} Holdings.

The Recipient shall keep all Confidential Information secret and shall not disclose it to any
person other than {name} Partners, and any unauthorised disclosure shall be notified within {n}
Business Days; the parties intended that {event} ends this obligation.

The aggregate liability of the {party} under the Tax Deed is limited to EUR {nn} million, and no
claim may be brought for indirect or consequential loss arising from negligence unless {event} and
the {other} has given notice of {name}'s default.

The {party} grants the Purchaser a royalty-free licence to use, copy, modify and distribute the
{name} software and its documentation for so long as {event}, whereupon the source code held in
escrow by {name} Trustees is released.

If the Longstop Date passes and {event}, the {other} may rescind by serving a notice on {name}, in
which case the Reverse Termination Amount of {nn} million falls due and the {party} {undertakes}
no further.

Completion is conditional upon {event}, upon the resignation of the {name} directors, and upon the
{party} having discharged the mezzanine notes maturing in {year} at a redemption price of {nn} per
cent.

The Warrantors, severally and in proportion to their holdings in {name}, represent that the Locked
Box Accounts omit the {nn} guarantees given to {name}, and that the {party} {undertakes} in
respect of them until {event}.

Any dispute concerning the Adjustment Statement is referred to {name} as expert, whose
determination binds the {party} and the {other} except for manifest mistake, and whose fee of {nn}
thousand is borne equally unless {event}.
""")
BULLETS: Final = _each("""
Headline: {nn}.{n}x LTM EBITDA, cash-free debt-free, {rate}% rolled by {name}

Deferred: EUR {nn}m in {n} instalments, accelerates if {name} churns

MAC: carve-out for {name} tariffs only; walk right below {rate}% gross margin

Financing: {nn}m unitranche from {name} at {rate}% PIK, commitment papers unsigned

Exclusivity: {n} weeks from Friday, {name} not yet told

Leakage: dividends to {name} since {year} treated as price reduction

Governance: {n} of {n} board seats, veto over capex beyond {nn}m

Retention: {name} and two deputies, {nn}k each, cliff {year}

Carve-out: {name} plant stays with vendor, TSA {n} months at cost

Regulatory: Phase {n} filing in {year}, remedy package ceiling {nn}m

Tax: step-up via {name} Luxco, indemnity capped at {rate}%

W&I: {nn}m cover, {name} underwriting, known PFAS matter excluded
""")
CELLS: Final = _each("""
Net revenue {name}

Churn provision

Gross margin

Adj. EBITDA

Capex maintenance

Lease liabilities IFRS16

Working capital days

Synergies phase {n}

WACC sensitivity

Net debt incl. {name}

Terminal value

Pension deficit

Implied multiple {rate}x

Headcount {name}

Restructuring

Unlevered FCF

Minority {name}

Deferred tax
""")
CHAT: Final = _each("""
so {name} wants {nn} on signing and the rest when the permits land

lol no, their cfo said {nn} to me in the lift and went pale

the bid team at {name} dropped out, nobody has told the sellers

can we go to {nn} if they eat the pension hole?

boss says {rate} percent is the ceiling, dont write that anywhere else

i saw the {name} deck, slide {n} has the real churn numbers

they think we are bluffing about walking away on {name} day

ok but the bank only gives us {nn} and wants a charge over the brand

wait, {name} resigns on the tenth? does legal know?

model breaks at {nn}, i get negative equity in every downside

tell {name} to shut the data room for the other bidder tonight

same as with {name} in {year}, they folded after {n} days
""")
THREAD: Final = _each("""
I spoke with {name} after the steering committee and he will accept {nn} a share provided the
ring-fence around the reactor liabilities survives.

The {year} budget that went to the lenders understates warranty claims at the {name} foundry by
{nn} million, which we only learned from the night-shift manager.

Please hold the fairness opinion until {name} has ruled on the preference shares; a leak before
that would hand the minority a blocking stake.

Our walk-away stands at {rate} times, although the chairman would stretch for the wind portfolio
if {name} drops the non-compete.

{name} Insurance has reserved its position on the dam, so treat the escrow of {nn} million as gone
when you rerun the downside.

Between us, the {name} refinancing was turned down twice, and the bridge expires {n} days before
the shareholder vote.

The regulator's case handler hinted that divesting {name} would be enough, which is cheaper than
the remedy we offered on the {n}th.

Nobody at {name} realises that the licence reverts to the ministry when control passes; keep it
that way through signing.
""")
GERMAN: Final = _each("""
Die Gesellschafter der {name} GmbH erwarten mindestens {nn} Millionen Euro und lehnen eine
Stundung des Verkäuferdarlehens über {year} hinaus ab.

Laut Prüfbericht fehlen im Werk {name} Rückstellungen für Altlasten in Höhe von {nn} Millionen,
was den Käufern bislang verschwiegen wurde.

Sollte das Bundeskartellamt die Sparte {name} beanstanden, bieten wir die Veräußerung der drei
kleineren Standorte an.

Der Aufsichtsrat hat den Austritt von {name} gebilligt, die Abfindung von {nn} Tausend Euro wird
erst nach Vollzug veröffentlicht.

Unsere Schmerzgrenze liegt bei {rate} Prozent Abschlag, darüber bricht die Finanzierung durch die
Landesbank {name} zusammen.

Die Earn-out-Schwelle für {year} ist bewusst unerreichbar gesetzt, weil {name} den Großauftrag
schon gekündigt hat.

Bitte das Gutachten zur Patentverletzung von {name} aus dem Datenraum nehmen, bevor die Gegenseite
ihre zweite Runde beginnt.
""")
FRENCH: Final = _each("""
Les actionnaires de {name} réclament au moins {nn} millions d'euros et refusent tout paiement
différé au-delà de l'exercice {year}.

Selon le rapport d'audit, l'usine de {name} dissimule un passif environnemental de {nn} millions
que les acquéreurs ignorent encore.

Si l'Autorité de la concurrence s'oppose à la reprise de {name}, nous céderons les trois dépôts
situés près de la frontière.

Le conseil d'administration a entériné le départ de {name}, dont l'indemnité de {nn} mille euros
restera secrète jusqu'à la clôture.

Notre prix plafond correspond à {rate} fois l'excédent brut, faute de quoi le prêteur {name}
retire son engagement.

Le seuil du complément de prix pour {year} est hors d'atteinte, puisque {name} vient de résilier
le contrat principal.

Il faut retirer de la salle virtuelle l'expertise sur les brevets de {name} avant le second tour
des offres fermes.
""")
MEMO: Final = _each("""
Memorandum for the investment committee: the vessel fleet of {name} was appraised at {nn} million
before the hull inspections revealed corrosion beyond class limits.

Management's forecast presumes that {name} renews the charter in {year}, whereas the counterparty
privately signalled termination with {n} months' warning.

We recommend an opening proposal of {nn} million, escalating by tranches of {n}, and abandoning
negotiations whenever {name} demands recourse to the sponsor.

Environmental consultants estimate remediation of the {name} lagoon at {nn} million, triple the
provision disclosed within the information memorandum.

The controlling family is divided: {name} favours liquidation, his sister supports our structure
subject to lifetime employment guarantees at the shipyard.

Covenant headroom disappears in {year} under every scenario excepting one, namely disposal of the
{name} terminal at {rate} times earnings.

Tax advisers warn that migrating {name} to the tonnage regime triggers a latent charge of {nn}
million, unmentioned in the vendor's due diligence.
""")
SLOTS: Final[dict[str, tuple[str, ...]]] = {
    "party": ("Vendor", "Guarantor", "Company", "Management Seller", "Institutional Seller"),
    "other": ("Investor", "Security Agent", "Purchaser", "Note Holder", "Bidder"),
    "undertakes": (
        "solicits any customer of {name}",
        "incurs indebtedness exceeding {nn} million",
        "amends the {name} shareholders' agreement",
        "settles the arbitration against {name}",
    ),
    "event": (
        "the consent of {name} Bank has been obtained",
        "merger clearance in {n} jurisdictions is unconditional",
        "the {name} pension scheme is bought out",
        "an insolvency event occurs in relation to {name}",
        "the {year} audited accounts are delivered",
    ),
}
