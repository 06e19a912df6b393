"""What no module may call is refused by the linter, and stays allowed where it is kept."""

from collections.abc import Callable, Mapping

import pytest

Lint = Callable[[str, str], str]

PLANTS = {
    "datetime.date.today": "from datetime import date\n\nTODAY = date.today()\n",
    "datetime.datetime.now": "from datetime import UTC, datetime\n\nNOW = datetime.now(UTC)\n",
    "datetime.datetime.today": "import datetime\n\nNOW = datetime.datetime.today()\n",
    "datetime.datetime.utcnow": "import datetime\n\nNOW = datetime.datetime.utcnow()\n",
    "time.time": "import time\n\nNOW = time.time()\n",
    "time.time_ns": "from time import time_ns\n\nNOW = time_ns()\n",
    "fastapi.File": "from fastapi import File\n",
    "fastapi.Form": "import fastapi\n\nFORM = fastapi.Form()\n",
    "fastapi.UploadFile": "from fastapi import UploadFile\n",
    "tempfile.NamedTemporaryFile": "import tempfile\n\nFILE = tempfile.NamedTemporaryFile()\n",
    "tempfile.SpooledTemporaryFile": "import tempfile\n\nFILE = tempfile.SpooledTemporaryFile()\n",
    "tempfile.TemporaryFile": "from tempfile import TemporaryFile\n",
    "tempfile.mkstemp": "import tempfile\n\nFILE = tempfile.mkstemp()\n",
    "urllib.request": "from urllib.request import urlopen\n",
    "requests": "import requests\n",
    "streamlit.audio": "import streamlit as st\n\nMADE = st.audio\n",
    "streamlit.image": "import streamlit as st\n\nMADE = st.image\n",
    "streamlit.video": "import streamlit as st\n\nMADE = st.video\n",
    "streamlit.cache_data": "import streamlit as st\n\nMADE = st.cache_data\n",
    "streamlit.cache_resource": "import streamlit as st\n\nMADE = st.cache_resource\n",
    "streamlit.components.v1": "import streamlit as st\n\nMADE = st.components.v1\n",
    "streamlit.download_button": "import streamlit as st\n\nMADE = st.download_button\n",
    "streamlit.file_uploader": "import streamlit as st\n\nMADE = st.file_uploader\n",
    "streamlit.html": "import streamlit as st\n\nMADE = st.html\n",
    "streamlit.iframe": "import streamlit as st\n\nMADE = st.iframe\n",
    "streamlit.login": "import streamlit as st\n\nMADE = st.login\n",
    "streamlit.logout": "import streamlit as st\n\nMADE = st.logout\n",
    "streamlit.map": "import streamlit as st\n\nMADE = st.map\n",
    "streamlit.pydeck_chart": "import streamlit as st\n\nMADE = st.pydeck_chart\n",
    "streamlit.secrets": "import streamlit as st\n\nMADE = st.secrets\n",
    "streamlit.user": "import streamlit as st\n\nMADE = st.user\n",
    "streamlit.write": "import streamlit as st\n\nMADE = st.write\n",
    "httpx.get": "import httpx\n\nANSWER = httpx.get('http://localhost')\n",
    "httpx.post": "import httpx\n\nANSWER = httpx.post('http://localhost')\n",
    "httpx.request": "import httpx\n\nANSWER = httpx.request('GET', 'http://localhost')\n",
    "httpx.stream": "from httpx import stream\n",
}


@pytest.mark.parametrize("name", PLANTS)
@pytest.mark.parametrize("path", ["tiers/policy.py", "connectors/matrix/client.py"])
def test_a_planted_call_is_refused(ruff: Lint, path: str, name: str) -> None:
    assert f"TID251 `{name}` is banned" in ruff(path, PLANTS[name])


def test_the_clock_may_ask_the_time(ruff: Lint) -> None:
    assert "TID251" not in ruff("orchestrator/clock.py", PLANTS["time.time_ns"])


def test_no_banned_name_is_without_a_plant(
    pyproject: Mapping[str, Mapping[str, Mapping[str, Mapping[str, Mapping[str, object]]]]],
) -> None:
    tidy = pyproject["tool"]["ruff"]["lint"]["flake8-tidy-imports"]
    assert isinstance(tidy, dict)
    assert set(PLANTS) == set(tidy["banned-api"])


@pytest.mark.parametrize(
    ("rule", "path", "text"),
    [
        ("T201", "orchestrator/flow/route.py", "print('x')\n"),
        ("FIX002", "tiers/policy.py", "# TODO: later\n"),
        ("S301", "orchestrator/store/rows.py", "import pickle\n\nROW = pickle.loads(b'')\n"),
        ("S311", "orchestrator/seal/keys.py", "import random\n\nKEY = random.random()\n"),
        ("S602", "connectors/door.py", "import subprocess\n\nsubprocess.run('ls', shell=True)\n"),
        (
            "S608",
            "orchestrator/store/rows.py",
            "def find(n):\n    return f'SELECT a FROM b WHERE c = {n}'\n",
        ),
        ("S110", "orchestrator/flow/route.py", "try:\n    x = 1\nexcept Exception:\n    pass\n"),
        ("BLE001", "orchestrator/flow/route.py", "try:\n    x = 1\nexcept Exception:\n    x = 2\n"),
        ("PGH003", "tiers/policy.py", "X: int = ''  # type: ignore\n"),
        ("PGH004", "tiers/policy.py", "X = 1  # noqa\n"),
        ("INP001", "connectors/telex/wire.py", "X = 1\n"),
        ("D100", "tiers/policy.py", "X = 1\n"),
        ("ANN201", "tiers/policy.py", "def f(x: int):\n    return x\n"),
    ],
)
def test_a_planted_fault_is_refused(ruff: Lint, rule: str, path: str, text: str) -> None:
    assert rule in ruff(path, text)
