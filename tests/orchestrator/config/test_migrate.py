"""Settings of an older Wallcross: each known change, nothing else touched, nothing done twice."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.config.load import check
from orchestrator.config.migrate import GONE, KNOWN, migrate
from orchestrator.config.places import lines_of

OLD = """# our own words, which stay
version = 1

[home]
host = "kestrel"            # the neutral firm

[deals.HALCYON]
made_up = true
owner = "ada"               # looks after it
on_call = [                 # in this order
    "bo",  # by day
    "cy",
]

[channels.matrix]
kind = "matrix"
host = "kestrel"

[channels.matrix.settings]
homeserver = "https://hs.example.com"
user = "@bot:example.com"
sync_wait = 1_00            # seconds

[secrets]
store = "auto"

[log]
level = "warning" # quiet
form = 'json'
"""
NEW = f"""# our own words, which stay
version = 1

[home]
host = "kestrel"            # the neutral firm

[deals.HALCYON]
made_up = true
{GONE}owner = "ada"               # looks after it
{GONE}on_call = [                 # in this order
#     "bo",  # by day
#     "cy",
# ]

[channels.matrix]
kind = "matrix"
{GONE}host = "kestrel"

[channels.matrix.settings]
homeserver = "https://hs.example.com"
user = "@bot:example.com"
sync_wait = 50            # seconds

[secrets]
{GONE}store = "auto"

[log]
level = "info" # quiet
{GONE}form = 'json'
"""


def test_each_known_change_is_made_where_it_stands_and_nothing_else_moves() -> None:
    found = migrate(OLD)
    assert found.text == NEW
    assert found.undecided == ()
    told = [(change.place, change.line, change.what) for change in found.changes]
    assert told == [
        ("deals.HALCYON.owner", 9, "put aside"),
        ("deals.HALCYON.on_call", 10, "put aside"),
        ("channels.matrix.host", 17, "put aside"),
        ("secrets.store", 25, "put aside"),
        ("log.form", 29, "put aside"),
        ("log.level", 28, "written anew"),
        ("channels.matrix.settings.sync_wait", 22, "written anew"),
    ]
    assert check(tomllib.loads(OLD), lines_of(OLD))
    assert check(tomllib.loads(found.text), lines_of(found.text)) == []
    assert "ada" not in str(found.changes)


@pytest.mark.parametrize(
    ("text", "helps"),
    [('[log]\nlevel = "error"\n', True), ('[log]\nlevel = "trace"\n', False),
     ('[log]\nform = "text"\n', True), ('[log]\nfrom = "text"\n', False)],
)  # fmt: skip
def test_a_mistake_names_the_command_where_it_would_help(text: str, helps: bool) -> None:
    [mistake] = check(tomllib.loads(text), lines_of(text))
    assert ("wallcross config migrate" in mistake.remedy) == helps
    assert bool(migrate(text).changes) == helps


def test_once_more_is_nothing_more() -> None:
    again = migrate(NEW)
    assert (again.text, again.changes, again.undecided) == (NEW, (), ())


def test_every_line_of_the_table_has_a_case_above() -> None:
    touched = {change.place for change in migrate(OLD).changes}
    places = {".".join(p).replace("*", "X") for p, _ in KNOWN}
    general = {p.replace("HALCYON", "X").replace(".matrix", ".X") for p in touched}
    assert general == places


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('[home]\nhost = "a"\n[channels.m]\nkind = "memory"\nhost = "b"\n', "channels.m.host"),
        ('[deals]\nHALCYON = { made_up = true, owner = "ada" }\n', "deals.HALCYON.owner"),
        ('log = { form = "text" }\n', "log.form"),
        ('[deals.HALCYON.owner]\nname = "ada"\n', "deals.HALCYON.owner"),
        ('[deals.HALCYON]\nowner = "syt_abcdefghijklmnop1234"\n', "deals.HALCYON.owner"),
    ],
)
def test_what_a_person_is_to_decide_is_told_and_left(text: str, place: str) -> None:
    found = migrate(text)
    assert found.text == text
    [asked] = found.undecided
    assert asked.place == place
    assert asked.remedy
    assert "ada" not in str(asked)
    assert "syt_" not in str(asked)


@pytest.mark.parametrize(
    "text",
    [
        'deals.HALCYON.owner = "ada"\r\nversion = 1\r\n',
        '[log] # ours\n  form = "text"\n',
        'secrets.store = "file"',
        '[deals."HALCYON"]\non_call = ["a", # one\n"b"]\n\n\n# the end',
        '[log]\nlevel = "error"\n',
    ],
)
def test_it_reads_the_same_but_for_the_change(text: str) -> None:
    found = migrate(text)
    assert len(found.changes) == 1
    assert check(tomllib.loads(found.text), {}) == []
    kept = [line for line in text.splitlines() if line.startswith(("#", "[", "version"))]
    assert [line for line in found.text.splitlines() if line in kept] == kept
    assert found.text.endswith(text[-1])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "version = 1\n",
        '[log]\nlevel = "debug"\n',
        '[channels.m]\nkind = "matrix"\n[channels.m.settings]\nsync_wait = 50\n',
        '[channels.m]\nkind = "mine"\n[channels.m.settings]\nsync_wait = 90\n',
        "[unheard]\nof = 1\n",
    ],
)
def test_what_is_of_this_form_or_of_nobodys_is_left_alone(text: str) -> None:
    found = migrate(text)
    assert (found.text, found.changes, found.undecided) == (text, (), ())


LINES = st.sampled_from(
    [
        "# a word",
        "",
        '[log]\nform = "text"',
        '[log]\nlevel = "warning"   # why',
        '[secrets]\nstore = "keyring"\nfolder = "/srv/s"',
        '[deals.ONE]\nowner = "ada"\nmade_up = true',
        '[deals.TWO]\non_call = [\n "a",\n]\nroster = "r"',
        '[home]\nhost = "k"\ntime_zone = "UTC"',
        '[channels.c]\nhost = "k"\nkind = "memory"',
    ]
)


@given(parts=st.lists(LINES, unique=True, max_size=9))
def test_of_any_file_only_known_settings_change(parts: list[str]) -> None:
    text = "\n".join(parts)
    try:
        before = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return  # a table twice
    found = migrate(text)
    after = tomllib.loads(found.text)
    assert migrate(found.text).changes == ()
    if "deals" in before:
        kept = {n: {k: v for k, v in d.items() if k not in {"owner", "on_call"}} for n, d in
                before["deals"].items()}  # fmt: skip
        assert after["deals"] == kept
    assert after.get("home") == before.get("home")
    assert [line for line in found.text.splitlines() if line == "# a word"] == [
        line for line in text.splitlines() if line == "# a word"
    ]
