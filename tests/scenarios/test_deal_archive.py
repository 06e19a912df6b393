"""The archive for counsel: two agree first, it is given once, and no text is readable in it."""

import io
import json
import tarfile

from orchestrator.journal.verify import verify

from .conftest import House
from .house import PRICE
from .test_approvals import ADA, BO, CY, found
from .test_export_files import given_to_counsel

TEXT = f"{PRICE}: we raise our offer to 27.50 per share."


async def test_two_agree_and_it_holds_all_of_it_without_a_readable_text(house: House) -> None:
    message = await house.send(TEXT, "ada", "price")
    assert await house.ends(message) == "delivered"
    await found(house, ADA, BO, CY)
    answer, named = await given_to_counsel(house, "archive")
    assert "wallcross-archive.tar" in named
    with tarfile.open(fileobj=io.BytesIO(answer.content)) as archive:
        files = {
            member.name.removeprefix("./"): archive.extractfile(member)
            for member in archive.getmembers()
            if member.isfile()
        }
        held = {name: file.read() for name, file in files.items() if file is not None}
    assert {name.split("/")[0] for name in held} >= {"audit", "journal", "evidence", "SHA256SUMS"}
    assert all(b"27.50" not in data for data in held.values())
    entries = [json.loads(line) for line in held["journal/journal.jsonl"].splitlines()[1:]]
    assert [entry["message"] for entry in entries] == [message]
    assert b"ada" in held["insiders.csv"]
    policy = house.home.runtime.journal_policy(house.deal)
    files_of = house.home.runtime.journal.files
    balance = await house.home.runtime.store.read(
        lambda tx: verify(tx, house.deal, policy, files_of)
    )
    assert balance.ok
