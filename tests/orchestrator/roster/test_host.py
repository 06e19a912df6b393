"""A real deal and its roster name the host of this home."""

import pytest

from orchestrator.client.problems import Refused
from orchestrator.roster.document import to_document
from orchestrator.roster.host import refuse_hostless, refuse_other_host
from orchestrator.roster.read import read_roster
from orchestrator.roster.write import template

ROSTER = to_document(read_roster(template()))


def test_a_real_deal_needs_a_host() -> None:
    with pytest.raises(Refused) as caught:
        refuse_hostless(None, made_up=False)
    assert "host" in caught.value.then
    refuse_hostless(None, made_up=True)
    refuse_hostless("kestrel", made_up=False)


@pytest.mark.parametrize("host", [None, "osprey"])
def test_a_roster_names_this_homes_host(host: str | None) -> None:
    with pytest.raises(Refused) as caught:
        refuse_other_host(ROSTER, host, made_up=False)
    assert "kestrel" in caught.value.wrong
    refuse_other_host(ROSTER, host, made_up=True)
    refuse_other_host(ROSTER, "kestrel", made_up=False)
