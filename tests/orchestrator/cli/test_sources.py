"""The same three mails in every form; a tier field is never read; errors name places, not words."""

import json
import mailbox
from email.message import EmailMessage
from pathlib import Path

import pytest

from orchestrator.cli.sources import rows_of
from orchestrator.client.problems import Missing, Wrong

TEXTS = ["The room is booked.", "Preis: 27,50 € je Aktie", "<b>not</b> mark-up"]


def _mail(number: int, text: str) -> EmailMessage:
    mail = EmailMessage()
    mail["Message-ID"] = f"<{number}@example.org>"
    mail["From"] = "Ximena <x@example.org>"
    mail["Date"] = "Sat, 31 Jan 2026 09:00:00 +0100"
    mail["Subject"] = f"Number {number}"
    mail.set_content(text)
    return mail


MAILS = [_mail(n, text) for n, text in enumerate(TEXTS)]


def _mbox(path: Path) -> Path:
    box = mailbox.mbox(path / "mails.mbox")
    for mail in MAILS:
        box.add(mail)
    box.close()
    return path / "mails.mbox"


def _maildir(path: Path) -> Path:
    box = mailbox.Maildir(path / "maildir")
    for mail in MAILS:
        box.add(mail)
    box.close()
    return path / "maildir"


def _folder(path: Path) -> Path:
    for number, mail in enumerate(MAILS):
        file = path / "mails" / f"{number % 2}" / f"{number}.eml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(mail.as_bytes())
    return path / "mails"


@pytest.mark.parametrize("make", [_mbox, _maildir, _folder])
def test_mails_are_read_alike(make: object, tmp_path: Path) -> None:
    assert callable(make)
    rows = {row.id: row for row in rows_of(make(tmp_path))}
    assert set(rows) == {f"<{n}@example.org>" for n in range(3)}
    for number, text in enumerate(TEXTS):
        row = rows[f"<{number}@example.org>"]
        assert row.text.strip() == text
        assert (row.subject, row.sender) == (f"Number {number}", "Ximena <x@example.org>")
        assert row.date == 1_769_846_400_000_000


def test_lines_are_read_and_unknown_fields_are_not(tmp_path: Path) -> None:
    row = {"id": "1", "subject": "s", "text": "t", "tier": "valuation", "x": {"deep": 1},
           "date": "2026-01-31T09:00:00+01:00", "from": "x", "thread": "y"}  # fmt: skip
    file = tmp_path / "rows.jsonl"
    file.write_text(f"{json.dumps(row)}\n\n{json.dumps({'text': 'u', 'id': 2})}\n", "utf-8")
    one, two = rows_of(file)
    assert (one.id, one.subject, one.text, one.sender, one.thread) == ("1", "s", "t", "x", "y")
    assert one.date == 1_769_846_400_000_000
    assert not hasattr(one, "tier")
    assert (two.id, two.subject, two.date) == ("2", None, None)


def test_a_row_without_id_has_the_same_one_each_time(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text('{"text": "a"}\n{"text": "b"}\n', encoding="utf-8")
    first, second = [row.id for row in rows_of(file)], [row.id for row in rows_of(file)]
    assert first == second
    assert len(set(first)) == 2


def test_html_is_what_its_reader_sees(tmp_path: Path) -> None:
    mail = EmailMessage()
    page = (
        "<html><head><style>p{}</style></head><body><p>Price<br>27.50 &amp; more</p></body></html>"
    )
    mail.set_content(page, subtype="html")
    (tmp_path / "one.eml").write_bytes(mail.as_bytes())
    (row,) = rows_of(tmp_path / "one.eml")
    assert row.text == "Price\n27.50 & more"


@pytest.mark.parametrize("line", ["zyxwv", '{"id": 1, "body": "zyxwv"}', '["zyxwv"]'])
def test_a_spoilt_line_is_named_by_its_number(tmp_path: Path, line: str) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text(f'{{"text": "fine"}}\n{line}\n', encoding="utf-8")
    with pytest.raises(Wrong) as caught:
        list(rows_of(file))
    assert "line 2" in caught.value.wrong
    assert "zyxwv" not in str(vars(caught.value))


def test_what_is_none_of_these_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Missing):
        list(rows_of(tmp_path / "nowhere"))
    (tmp_path / "notes.txt").write_text("hello", encoding="utf-8")
    with pytest.raises(Wrong):
        list(rows_of(tmp_path / "notes.txt"))
    assert list(rows_of(tmp_path)) == []
