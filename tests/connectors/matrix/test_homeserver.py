"""The homeserver that tests and demo start: real, on loopback, and gone afterwards."""

import os
from pathlib import Path

import httpx
import pytest

from orchestrator.demo.farside import Person
from orchestrator.demo.synapse import Homeserver, NoSynapse, synapse_python


def test_without_an_environment_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WALLCROSS_SYNAPSE_PYTHON", "/nowhere/python")
    with pytest.raises(NoSynapse, match="make env"):
        synapse_python()


@pytest.mark.long
async def test_it_stops_by_its_process_id_and_comes_back_with_what_it_had(tmp_path: Path) -> None:
    server = Homeserver(tmp_path / "hs")
    try:
        server.start()
    except NoSynapse as error:
        pytest.skip(str(error))
    try:
        pid = server.pid
        assert pid is not None
        user = server.register("anna", "only-for-the-test")
        server.stop()
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
        async with httpx.AsyncClient(trust_env=False) as http:
            with pytest.raises(httpx.ConnectError):
                await http.get(server.url)
        server.start()
        anna = Person(server.url, user, "only-for-the-test", tmp_path / "anna")
        await anna.open()
        assert anna.rooms() == set()
        await anna.close()
    finally:
        server.stop()
