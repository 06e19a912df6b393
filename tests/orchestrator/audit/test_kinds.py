"""No reader of an export meets a kind that nobody described."""

import re
from pathlib import Path

from orchestrator.audit.kinds import Kind

PAGE = Path(__file__).parents[3] / "docs" / "audit.md"


def test_the_page_describes_exactly_the_kinds_that_there_are() -> None:
    described = re.findall(r"(?m)^\| `([a-z_]+\.[a-z_]+)` \| .{10,} \|$", PAGE.read_text())
    assert sorted(described) == sorted(Kind)
