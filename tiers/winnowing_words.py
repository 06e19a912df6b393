"""Words that everybody writes, in English, German and French: they make no passage.

Rules kept here:

1. The lists are our own, of function words, courtesies and the words of notices. A run of words
   that are all on ``COMMON`` says nothing of any text.
2. A notice is told by many of its words close together, never by a paragraph: whoever puts one
   below a passage, without a line between, hides nothing but the notice.
"""

import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

_ENGLISH = """
a about above after again all also am an and any anybody anyone anything are as asap at back be
because been before being below best both but by call can cannot chance come contact could day days
dear did do does doing done down draft each either else end even every few final find fine first
following for forward forwarded free from full further get give given glad go goes going gone good
got great had half happy has have having he hear hello help hence her here hesitate hi him his hold
hope how however i if in information into is it items its just keep kind know last later latest
least leave less let let's like list little long look looking lot made main make makes making many
may maybe me mean meet meeting might mind moment month months more morning most much must my need
needs never new next nice night no nobody none nor not note nothing now number of off office often
ok okay old on once one only onto opportunity or order other our ours out over own part people
perhaps place please plus pm point possible post posted prior put question questions quick quickly
quite rather re reach ready really receive received regarding regards reply right round said same
say says second see seems seen send sending sends sent set several shall she short should show side
since sincerely small so some someone something soon sorry speak speaking start started still stop
subject such sure take taken takes taking talk team tell than thank thanks that the their them then
there these they thing things think this those though thought three through thus time times to today
together told tomorrow too touch try two under until up upon us use used using usual very version
via want wants was way we week weekend weeks well went were what whatever when where whether which
while who whole whom whose why will wish with within without word words work working would write
year years yes yesterday yet you your yours yourself fyi fw fwd cc bcc attach attached attaching
attachment enclosed comment comments concerns change changes appreciate appreciated hearing letter
mail mails email emails e message messages original kindly ask asked asking able available per
discuss discussed review reviewed confirm confirmed convenience delay inconvenience apologies
january february march april june july august september october november december monday tuesday
wednesday thursday friday saturday sunday am re ve ll don t s d m doesn isn won didn
"""
_GERMAN = """
aber alle allem allen aller alles als also am an andere anderen anlage anbei auch auf aus bei beim
beiliegend bereits besten bin bis bitte bitten da dabei dafür damit danach dank danke dann daran
darauf darum das dass dazu dein dem den denn der des dich die dies diese diesem diesen dieser dieses
dir doch dort du durch ein eine einem einen einer eines er erst es etwa etwas euch euer frage fragen
freundlichen freundliche für gegen gern gerne gibt gruß grüße grüßen gut guten habe haben hallo hat
hatte hätte herr herrn frau hier hiermit ich ihm ihn ihnen ihr ihre ihrem ihren ihrer im immer in
ist ja jede jeden jeder jetzt kann kein keine können könnte könnten kurz lassen liebe lieber mal
man mehr mein meine meinem mich mir mit möchte möchten morgen muss müssen nach nächste nächsten nein
nicht nichts noch nun nur ob oder ohne rückfragen schon schöne sehr sein seine seit selbst senden
sich sie siehe sind so sobald sofern sollte sollten sonst stehe stehen tag tage über um und uns
unser unsere unter verfügung viel viele vielen vom von vor wäre wann war waren was weil weitere
wenn wer werde werden wie wieder wir wird wissen wo woche wochen wollen wurde würde würden zeit zu
zum zur zurück zwischen montag dienstag mittwoch donnerstag freitag samstag sonntag heute gestern
geehrte geehrter damen herren mfg vg lg
"""
_FRENCH = """
à afin ai ainsi alors après as au aucun aucune aujourd'hui aujourd hui aussi autre autres aux avant
avec avez avons avoir bien bon bonjour bonne bonsoir ça car ce cela celle celui ces cet cette ceux
chaque cher chère ci comme comment contre cordialement c d dans de demain depuis derrière des
dès dire disposition doit dont du elle elles en encore entre es est et étaient était été être eu
eux faire fait fois font grâce hier hésitez ici il ils j je jour jours jusqu l la là laisser le les
leur leurs lors lorsque lui m ma mais me meilleures même mes merci mieux mois moi moins mon n ne ni
non nos notre nous nouveau on ont ou où oui par parce pas pendant peu peut peux plus pour pouvez
pouvons prochain prochaine puis qu quand que quel quelle quelles quels question questions qui quoi
reste revoir s sa sans se sera serait ses si sincèrement soit son sont souhaite sous suis sur ta te
tes toi ton toujours tous tout toute toutes très trop tu un une va vais veuillez vers veux voici
voilà voir vos votre vous vraiment y lundi mardi mercredi jeudi vendredi samedi dimanche semaine
"""


def folded(word: str) -> str:
    """A word in small letters without accents, as texts are compared."""
    if word.isascii():
        return word.lower()
    apart = unicodedata.normalize("NFD", word.casefold())
    return "".join(c for c in apart if not unicodedata.combining(c))


def spelled(word: str) -> str:
    """A folded word as texts are compared: umlauts in two letters are those without their dots."""
    return word.replace("ae", "a").replace("oe", "o").replace("ue", "u")


def _set(words: str) -> frozenset[str]:
    return frozenset(map(folded, words.split()))


@dataclass(frozen=True, slots=True)
class Notice:
    """A kind of notice that stands below texts of everybody, told by the words that it is made of.

    Attributes:
        words: which of them stand close together in one.
        least: how many different ones make one.
        needs: of each of these at least one must be among them, so that a clause of a contract on
            the same matter is none.
    """

    words: frozenset[str]
    least: int
    needs: tuple[frozenset[str], ...]

    def fits(self, found: Collection[str]) -> bool:
        """Whether words that stand close together make one."""
        different = self.words.intersection(found)
        return len(different) >= self.least and all(map(different.intersection, self.needs))


_MAIL = _set("""
message messages email emails mail transmission nachricht mitteilung courriel mel fax facsimile
""")
_READER = _set("""
recipient recipients addressee addressees intended sender bestimmt empfänger adressat adressaten
absender destinataire destinataires expéditeur destiné
""")
_MISTAKE = _set("""
error notify delete deleted destroy unauthorised unauthorized prohibited virus viruses misdirected
irrtümlich vernichten löschen untersagt unbefugte unbefugten gestattet viren erreur détruire
supprimer interdite interdit avertir
""")
_SECRECY = _set("""
confidential confidentiality privileged disclosure disclaimer copying distribution dissemination
liability strictly solely attachments vertraulich vertrauliche vertraulichen weitergabe haftung
rechtlich geschützt geschützte kopieren confidentiel confidentiels confidentielle confidentielles
divulgation strictement responsabilité diffusion reproduction autorisée autorisation
""")
_RELEASED = _set("""
gnu gpl lgpl agpl gfdl gplv2 gplv3 fsf redistribute redistributed redistribution redistributions
merchantability noninfringement apache bsd contributors furnished sublicense endorse
misrepresented invariant verbatim dealings
""")
_PROGRAM = _set("""
software program library file files package documentation document code source binary materials
texts
""")
_LICENCE = _set("""
license licence licensed licenses software program library documentation source binary code file
files package warranty warranties permission permitted modify modification modifications modified
distribute distributed distribution copies copying copy royalty granted free charge implied express
fitness particular purpose liable liability damages incidental consequential exemplary punitive
special indirect direct tort negligence contract disclaimed disclaims endorse promote advertising
holder holders author authors procurement substitute goods useful hope version later option public
foundation published notice notices preserved retain reproduce materials conditions disclaimer
restriction limitation merge publish sell persons person obtaining associated rights reserved
applicable law agreed writing compliance governing event whatsoever arising profits loss data
suitability supplied use deal basis claim connection copyrighted mit products derived specific
prior sale authorization front cover sections entitled included original altered
copyright works derivative modifying royalty fee
""")
NOTICES: Final = (
    Notice(_MAIL | _READER | _MISTAKE | _SECRECY, 5, (_MAIL, _READER, _MISTAKE)),
    Notice(_RELEASED | _PROGRAM | _LICENCE, 8, (_RELEASED, _PROGRAM)),
    Notice(
        _RELEASED | _PROGRAM | _LICENCE,
        9,
        (_set("copyright"), _set("notice notices"), _set("permission permitted"), _PROGRAM),
    ),
)
"""Confidentiality and liability under mails; licences of software. Words of both stand in
contracts, so that each needs words which those do not have."""
NOTICE_WORDS: Final = frozenset[str]().union(*(notice.words for notice in NOTICES))
COMMON: Final = frozenset(map(spelled, _set(f"{_ENGLISH} {_GERMAN} {_FRENCH}")))
