"""The report of what was prevented, as a page for printing: no script, no picture, no other host.

Rules kept here:

1. The same facts make the same bytes, so that a report can be made anew and compared by its hash.
2. Who asked, when, and for which time stands on the first page; a made-up deal says so on each.
3. Its rows hold codes, numbers and times. Every word goes through one escape all the same.
"""

import unicodedata
from collections.abc import Iterable, Iterator
from html import escape

from orchestrator.client.prevented import PreventedRow, PreventedView
from orchestrator.clock import SECOND, iso

MADE_UP = "Made-up deal: its people and its messages were invented."
POLICY = "default-src 'none'; style-src 'unsafe-inline'"
"""The content policy that the page sets itself, and that its route sends."""
KINDS = {
    "held": "Held. Nobody has seen it.",
    "withdrawn": "Withdrawn. Some people may have seen it.",
    "stopped": "Stopped for some of its readers.",
    "paused": "A room or a person was paused.",
    "stood": "Not prevented: it stood where it was written.",
}
BECAME = {
    "waits": "waits",
    "let_go": "let go by two people",
    "moved": "sent to a stricter place",
    "dropped": "dropped by its author",
    "lapsed": "lapsed; never sent",
    "stands": "",
}
GRADES = {
    "record": "our own record",
    "network": "our record, and what the network said",
    "asked": "asked for, not seen",
}
_STYLE = (
    "body{font:11pt/1.45 Georgia,serif;color:#16202B;background:#FFF;margin:2em auto;"
    "max-width:60em;padding:0 1em}h1{font-weight:500;margin:.6em 0 .2em}"
    "table{border-collapse:collapse;width:100%;font-size:9.5pt;margin:1em 0}"
    "td,th{border-bottom:1px solid #B9B3A5;padding:.3em .5em;text-align:left;vertical-align:top}"
    "th{font-weight:600}thead{display:table-header-group}tr{break-inside:avoid}"
    ".ribbon{background:#FBE9CF;border:1px solid #A34A06;color:#7A3705;padding:.4em .8em}"
    ".figures td{font-size:12pt}.aside{color:#4A5560;font-size:9.5pt}"
    "code{font:9pt monospace;overflow-wrap:anywhere}"
    "@media print{body{margin:0;max-width:none}.ribbon{position:fixed;top:0;right:0;font-size:8pt}"
    "@page{margin:18mm 16mm}}"
)


def report(found: PreventedView, actor: str) -> bytes:
    """The report's bytes."""
    body = "\n".join(_body(found, actor))
    head = (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="referrer" content="no-referrer">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{_safe(f'What was prevented: {found.code}')}</title><style>{_STYLE}</style></head>"
    )
    return f"{head}<body>\n{body}\n</body></html>\n".encode()


def _body(found: PreventedView, actor: str) -> Iterator[str]:
    if found.made_up:
        yield f'<p class="ribbon">{MADE_UP}</p>'
    yield f"<h1>{_safe(f'Project {found.code}: what was prevented')}</h1>"
    yield f"<p>{_safe(answer(found))}</p>"
    yield _table(("this report", ""), _heads(found, actor))
    counted = ((words, str(found.counts.get(kind, 0))) for kind, words in KINDS.items())
    yield _table(("what", "how many"), counted, "figures")
    ways = ((words, str(found.became.get(b, 0))) for b, words in BECAME.items() if words)
    yield _table(("what became of the messages", "how many"), ways)
    yield f'<p class="aside">{_safe(_about(found))}</p>'
    columns = ("when", "what", "rule", "tier", "may have seen it", "became", "how known", "entries")
    yield _table(columns, map(_row, found.rows))
    if found.more:
        yield f"<p>{found.more} older ones are counted above and not listed.</p>"


def answer(found: PreventedView) -> str:
    """The answer in a sentence."""
    counts = found.counts
    held, back, stood = counts.get("held", 0), counts.get("withdrawn", 0), counts.get("stood", 0)
    if not any(counts.values()):
        return "Nothing had to be stopped."
    late = f" {stood} stood where they were written, and were noticed only." if stood else ""
    return f"{_some(held)} held before anybody saw them; {back} withdrawn after some time.{late}"


def _some(count: int) -> str:
    return "1 message was" if count == 1 else f"{count} messages were"


def _heads(found: PreventedView, actor: str) -> Iterator[tuple[str, str]]:
    yield "made by", actor
    yield "made at", iso(found.at)
    since = "the beginning" if found.since is None else iso(found.since)
    until = "then" if found.until is None else iso(found.until)
    yield "covers", f"from {since} until {until}"
    yield "rests on", f"the deal's record up to its entry {found.upto}"
    if found.unbelieved:
        yield "left out", f"{found.unbelieved} entries that this program did not write"


def _about(found: PreventedView) -> str:
    told = ", ".join(f"{count} {kind}" for kind, count in sorted(found.strangers.items()) if count)
    door = f" At this installation's door, for all its deals: {told}." if told else ""
    return (
        "A message counts once, by the worst that became of it. Held means that it never left. "
        "What was withdrawn stood in a room until the network took it back; the figure beside it "
        "is how many others were in that room, not how many read it. Let go means that two people "
        "agreed to it later. Numbers of entries lead to the signed record, which can be exported "
        f"and checked without this program.{door}"
    )


def _row(row: PreventedRow) -> tuple[str, ...]:
    gone = "" if row.ended_at is None else f", gone after {(row.ended_at - row.at) // SECOND} s"
    return (
        iso(row.at)[:19] + "Z",
        f"{row.kind}{gone}" if row.what == "message" else f"{row.what} {row.kind}",
        ", ".join(row.rules),
        row.tier,
        _seen(row),
        BECAME[row.became],
        GRADES[row.grade],
        ", ".join(map(str, row.entries)),
    )


def _seen(row: PreventedRow) -> str:
    if row.what != "message":
        return ""
    if row.seen is None:
        return "not known"
    return "nobody" if row.seen == 0 else f"up to {row.seen}"


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]], kind: str = "") -> str:
    head = "".join(f'<th scope="col">{_safe(h)}</th>' for h in heads)
    cells = ("".join(f"<td>{_safe(cell)}</td>" for cell in row) for row in rows)
    body = "".join(f"<tr>{row}</tr>" for row in cells)
    named = f' class="{kind}"' if kind else ""
    return f"<table{named}><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _safe(text: str) -> str:
    odd = "\N{REPLACEMENT CHARACTER}"
    plain = (odd if unicodedata.category(c).startswith("C") else c for c in text)
    return escape("".join(plain), quote=True)
