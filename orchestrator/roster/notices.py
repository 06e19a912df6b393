"""The wording of each side's insider notice: one text file a side, kept as it was written.

Rules kept here:

1. What is acknowledged is the hash of the wording, so nothing in it is tidied but what editors add
   without being asked: a mark at the beginning, the way lines end, white space around the whole.
2. A file that belongs to no side, or whose text cannot be shown as it is, is a mistake.
"""

from collections.abc import Iterable, Mapping

from orchestrator.config.mistakes import Mistake
from orchestrator.roster import form
from tiers.people import Side

FOLDER = "notices/"
_ENDING = ".txt"


def is_notice_file(name: str) -> bool:
    """Whether a file of a roster holds a notice."""
    return name.startswith(FOLDER) and name.endswith(_ENDING)


def read_notices(
    files: Mapping[str, bytes], sides: Iterable[str]
) -> tuple[dict[str, str], list[Mistake]]:
    """Each side's notice by its id, and what is wrong with the files."""
    known, found, mistakes = set(sides), dict[str, str](), list[Mistake]()
    for name, data in sorted(files.items()):
        if not is_notice_file(name):
            continue
        side = name.removeprefix(FOLDER).removesuffix(_ENDING)
        text = _text(data)
        if side not in known:
            remedy = "Name the file after a side: notices/SIDE.txt"
            mistakes.append(Mistake(name, f"sides.csv has no side {side}", remedy))
        elif text is None or not form.is_notice(text):
            mistakes.append(Mistake(name, *_WRONG))
        else:
            found[side] = text
    return found, mistakes


_WRONG = (
    "not a text that can be shown as it is",
    f"Save 1 to {form.LONGEST_NOTICE} letters as plain text (UTF-8), without invisible ones",
)


def write_notices(sides: Iterable[Side]) -> dict[str, bytes]:
    """The files of the notices that there are."""
    return {
        f"{FOLDER}{side.side_id}{_ENDING}": f"{side.notice}\n".encode()
        for side in sides
        if side.notice is not None
    }


def _text(data: bytes) -> str | None:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    return text.replace("\r\n", "\n").strip()
