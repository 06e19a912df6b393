"""`risk answer --set-value`: a value as it is written, or the text of a file."""

from pathlib import Path

import pytest

from orchestrator.cli.risk_cmd import given_values
from orchestrator.client.problems import Wrong


def test_a_value_is_what_stands_there_or_the_text_of_a_file(tmp_path: Path) -> None:
    notice = tmp_path / "marlow.txt"
    notice.write_text("You will be told\ninside information.", "utf-8")
    found = given_values(("by=ada", "to=", f"notice=@{notice}", "value=a=b"))
    assert found == {"by": "ada", "to": "", "notice": notice.read_text("utf-8"), "value": "a=b"}


def test_what_is_no_pair_and_what_is_no_text_is_refused(tmp_path: Path) -> None:
    image = tmp_path / "x.png"
    image.write_bytes(b"\x89PNG")
    for wrong in ("ada", f"notice=@{image}", f"notice=@{tmp_path}/none", f"notice=@{tmp_path}"):
        with pytest.raises(Wrong):
            given_values((wrong,))
