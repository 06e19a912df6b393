"""A key as words that two people can read to each other, the same for every channel.

Rules kept here:

1. Words stand for the whole key, one for each byte, and lead back to it: nothing is shortened, so
   that no other key can be found that reads alike.
2. Even and odd bytes come from different lists, so that a word left out or two swapped are heard.

The lists are the PGP word list (Zimmermann and Juola, PGPfone, 1995): its
words of two syllables stand for bytes at even places, those of three syllables at odd ones.
"""

import base64
import binascii
import re

_EVEN = """
aardvark absurd accrue acme adrift adult afflict ahead aimless Algol allow alone ammo ancient
apple artist assume Athens atlas Aztec baboon backfield backward banjo beaming bedlamp beehive
beeswax befriend Belfast berserk billiard bison blackjack blockade blowtorch bluebird bombast
bookshelf brackish breadline breakup brickyard briefcase Burbank button buzzard cement chairlift
chatter checkup chisel choking chopper Christmas clamshell classic classroom cleanup clockwork
cobra commence concert cowbell crackdown cranky crowfoot crucial crumpled crusade cubic
dashboard deadbolt deckhand dogsled dragnet drainage dreadful drifter dropper drumbeat drunken
Dupont dwelling eating edict egghead eightball endorse endow enlist erase escape exceed eyeglass
eyetooth facial fallout flagpole flatfoot flytrap fracture framework freedom frighten gazelle
Geiger glitter glucose goggles goldfish gremlin guidance hamlet highchair hockey indoors indulge
inverse involve island jawbone keyboard kickoff kiwi klaxon locale lockup merit minnow miser
Mohawk mural music necklace Neptune newborn nightbird Oakland obtuse offload optic orca payday
peachy pheasant physique playhouse Pluto preclude prefer preshrunk printer prowler pupil puppy
python quadrant quiver quota ragtime ratchet rebirth reform regain reindeer rematch repay
retouch revenge reward rhythm ribcage ringbolt robust rocker ruffled sailboat sawdust scallion
scenic scorecard Scotland seabird select sentence shadow shamrock showgirl skullcap skydive
slingshot slowdown snapline snapshot snowcap snowslide solo southward soybean spaniel spearhead
spellbind spheroid spigot spindle spyglass stagehand stagnate stairway standard stapler
steamship sterling stockman stopwatch stormy sugar surmount suspense sweatband swelter tactics
talon tapeworm tempest tiger tissue tonic topmost tracker transit trauma treadmill Trojan
trouble tumor tunnel tycoon uncut unearth unwind uproot upset upshot vapor village virus Vulcan
waffle wallet watchword wayside willow woodlark Zulu
""".split()  # noqa: SIM905 (a list of 256 literals would be 256 lines)
_ODD = """
adroitness adviser aftermath aggregate alkali almighty amulet amusement antenna applicant Apollo
armistice article asteroid Atlantic atmosphere autopsy Babylon backwater barbecue belowground
bifocals bodyguard bookseller borderline bottomless Bradbury bravado Brazilian breakaway
Burlington businessman butterfat Camelot candidate cannonball Capricorn caravan caretaker
celebrate cellulose certify chambermaid Cherokee Chicago clergyman coherence combustion commando
company component concurrent confidence conformist congregate consensus consulting corporate
corrosion councilman crossover crucifix cumbersome customer Dakota decadence December decimal
designing detector detergent determine dictator dinosaur direction disable disbelief disruptive
distortion document embezzle enchanting enrollment enterprise equation equipment escapade Eskimo
everyday examine existence exodus fascinate filament finicky forever fortitude frequency
gadgetry Galveston getaway glossary gossamer graduate gravity guitarist hamburger Hamilton
handiwork hazardous headwaters hemisphere hesitate hideaway holiness hurricane hydraulic
impartial impetus inception indigo inertia infancy inferno informant insincere insurgent
integrate intention inventive Istanbul Jamaica Jupiter leprosy letterhead liberty maritime
matchmaker maverick Medusa megaton microscope microwave midsummer millionaire miracle misnomer
molasses molecule Montana monument mosquito narrative nebula newsletter Norwegian October Ohio
onlooker opulent Orlando outfielder Pacific pandemic Pandora paperweight paragon paragraph
paramount passenger pedigree Pegasus penetrate perceptive performance pharmacy phonetic
photograph pioneer pocketful politeness positive potato processor provincial proximate puberty
publisher pyramid quantity racketeer rebellion recipe recover repellent replica reproduce
resistor responsive retraction retrieval retrospect revenue revival revolver sandalwood sardonic
Saturday savagery scavenger sensation sociable souvenir specialist speculate stethoscope
stupendous supportive surrender suspicious sympathy tambourine telephone therapist tobacco
tolerance tomorrow torpedo tradition travesty trombonist truncated typewriter ultimate undaunted
underfoot unicorn unify universe unravel upcoming vacancy vagabond vertigo Virginia visitor
vocalist voyager warranty Waterloo whimsical Wichita Wilmington Wyoming yesteryear Yucatan
""".split()  # noqa: SIM905 (likewise)

_HEX = re.compile(r"(?:[0-9a-fA-F]{2}){16,64}")
_DIGITS = re.compile(r"[0-9]{30,120}")
_BASE64 = re.compile(r"[A-Za-z0-9+/]{43}=?")
_PER_DIGIT = 0.4152410118609203
"""Bytes for a decimal digit: log 10 to the base of 256."""


def words_of(fingerprint: str) -> tuple[str, ...]:
    """The words of a fingerprint, one for each byte.

    Args:
        fingerprint: in hexadecimal, with or without spaces.

    Raises:
        ValueError: it is no hexadecimal.
    """
    return _words(bytes.fromhex(fingerprint))


def words_for(key: str) -> tuple[str, ...]:
    """The words of a key as its network's own clients show it.

    Args:
        key: a fingerprint in hexadecimal (OpenPGP), a safety number in digits (Signal), 32 bytes
            in base64 (a Matrix device), or whatever else names a key.
    """
    bare = "".join(key.split())
    if _DIGITS.fullmatch(bare):
        return _words(int(bare).to_bytes(int(len(bare) * _PER_DIGIT) + 1, "big"))
    if _HEX.fullmatch(bare):
        return _words(bytes.fromhex(bare))
    if _BASE64.fullmatch(bare):
        return _words(_unpadded(bare) or bare.encode())
    return _words(key.encode("utf-8", "backslashreplace"))


def is_read_as(key: str, said: str) -> bool:
    """Whether what two people compared is this key: all of its words, or the key as it is shown.

    Args:
        key: as the network's own clients show it.
        said: words or key, in any case, with spaces anywhere between words or digits.
    """
    told = said.casefold().replace(",", " ").split()
    return bool(told) and (
        told == [word.casefold() for word in words_for(key)]
        or "".join(said.split()) == "".join(key.split())
    )


def _unpadded(text: str) -> bytes | None:
    try:
        return base64.b64decode(text.rstrip("=") + "=", validate=True)
    except binascii.Error:
        return None


def _words(data: bytes) -> tuple[str, ...]:
    return tuple((_ODD if place % 2 else _EVEN)[byte] for place, byte in enumerate(data))
