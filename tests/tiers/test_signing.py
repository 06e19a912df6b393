"""In a signing window one settles what another asked for; outside it, and for less, never."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiers.approval import Approver, Role, Rule, counted, missing
from tiers.ids import ConversationId, PersonId
from tiers.people import Party
from tiers.signing import LONGEST, Asked, Window, against

SIGNING = 10 * LONGEST
NAMES = tuple(map(PersonId, ("ada", "bo", "cy", "di")))
ROOMS = tuple(map(ConversationId, ("conv_a", "conv_b", "conv_c")))
NAME = "apr_w"


@st.composite
def windows(draw: st.DrawFn) -> Window:
    opens = draw(st.integers(SIGNING - LONGEST, SIGNING - 2))
    return Window(
        SIGNING,
        opens,
        draw(st.integers(opens + 1, SIGNING)),
        frozenset(draw(st.sets(st.sampled_from(NAMES), min_size=2))),
        frozenset(draw(st.sets(st.sampled_from(ROOMS), min_size=1))),
    )


@st.composite
def people(draw: st.DrawFn) -> tuple[Approver, ...]:
    found = draw(st.lists(st.sampled_from(NAMES), unique=True))
    ties = st.frozensets(st.sampled_from(("subject:1", "subject:2", "device:1")), max_size=1)
    party = st.sampled_from((None, *Party))
    return tuple(
        Approver(name, frozenset({Role.APPROVER}), draw(party), draw(ties)) for name in found
    )


@st.composite
def releases(draw: st.DrawFn) -> Asked:
    at = draw(st.integers(SIGNING - 2 * LONGEST, SIGNING + LONGEST))
    barred = frozenset(draw(st.sets(st.sampled_from(NAMES), max_size=1)))
    return Asked(
        draw(st.sampled_from((None, *NAMES))),
        draw(st.sampled_from(ROOMS)),
        at,
        at + draw(st.integers(1, LONGEST)),
        Rule(barred=barred, valuation_raise=draw(st.booleans())),
    )


Enough = Callable[[Window | None, Asked, int | None, tuple[Approver, ...], PersonId], bool]


def enough(
    window: Window | None,
    asked: Asked,
    signing: int | None,
    known: tuple[Approver, ...],
    signer: PersonId,
) -> bool:
    """As ``orchestrator.approvals.standing`` puts it together."""
    if against(window, asked, signing=signing, known=known):
        return False
    found = counted(asked.rule, known, frozenset({signer}), asker=asked.asker)
    return not missing(asked.rule, found)


def ought(
    window: Window | None,
    asked: Asked,
    signing: int | None,
    known: tuple[Approver, ...],
    signer: PersonId,
) -> bool:
    """The same said once more, one thing after the other."""
    by_name = {a.person: a for a in known}
    if window is None or signing != window.signing or asked.asker is None:
        return False
    if not {asked.asker, signer} <= window.people & set(by_name) or asked.asker == signer:
        return False
    if asked.conversation not in window.conversations:
        return False
    if asked.at < window.opens or asked.expires > window.closes:
        return False
    if _tied(by_name, {asked.asker, *asked.rule.barred}, signer):
        return False
    return not asked.rule.valuation_raise


def _tied(known: dict[PersonId, Approver], those: set[PersonId], signer: PersonId) -> bool:
    reached, ties = set(those), set[str]()
    for _ in known:
        ties |= {t for p in reached if p in known for t in known[p].ties}
        reached |= {p for p, a in known.items() if a.ties & ties}
    return signer in reached


GIVEN = given(
    st.one_of(st.none(), windows()),
    releases(),
    st.sampled_from((None, SIGNING, SIGNING + 1)),
    people(),
    st.sampled_from(NAMES),
)


@GIVEN
def test_one_is_enough_exactly_where_two_known_people_act_in_time(
    window: Window | None,
    asked: Asked,
    signing: int | None,
    known: tuple[Approver, ...],
    signer: PersonId,
) -> None:
    eased = window.eases(asked.rule, NAME) if window is not None else replace(asked.rule, window="")
    release = replace(asked, rule=replace(eased, needed=1))
    case = (window, release, signing, known, signer)
    assert enough(*case) == ought(*case)


WINDOW = Window(SIGNING, SIGNING - 100, SIGNING - 10, frozenset(NAMES[:3]), frozenset(ROOMS[:1]))
KNOWN = tuple(
    Approver(n, frozenset({Role.APPROVER}), party, frozenset())
    for n, party in zip(NAMES, (Party.ACQUIRER, Party.ACQUIRER, Party.TARGET, None), strict=True)
)
FINE = Asked(NAMES[0], ROOMS[0], SIGNING - 50, SIGNING - 10, WINDOW.eases(Rule(), NAME))


def test_the_case_that_each_wrong_is_put_into_is_fine() -> None:
    assert enough(WINDOW, FINE, SIGNING, KNOWN, NAMES[1])


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param((None, FINE, SIGNING, KNOWN, NAMES[1]), id="withdrawn"),
        pytest.param((WINDOW, FINE, SIGNING + 1, KNOWN, NAMES[1]), id="moved"),
        pytest.param((WINDOW, FINE, None, KNOWN, NAMES[1]), id="no date"),
        pytest.param(
            (WINDOW, replace(FINE, at=SIGNING - 101), SIGNING, KNOWN, NAMES[1]), id="too early"
        ),
        pytest.param(
            (WINDOW, replace(FINE, expires=SIGNING - 9), SIGNING, KNOWN, NAMES[1]), id="too late"
        ),
        pytest.param(
            (WINDOW, replace(FINE, conversation=ROOMS[1]), SIGNING, KNOWN, NAMES[1]), id="elsewhere"
        ),
        pytest.param((WINDOW, replace(FINE, asker=None), SIGNING, KNOWN, NAMES[1]), id="nobody"),
        pytest.param((WINDOW, FINE, SIGNING, KNOWN, NAMES[0]), id="himself"),
        pytest.param((WINDOW, FINE, SIGNING, KNOWN, NAMES[3]), id="not listed"),
        pytest.param((WINDOW, FINE, SIGNING, KNOWN[1:], NAMES[1]), id="asker without a key"),
        pytest.param(
            (
                WINDOW,
                FINE,
                SIGNING,
                tuple(replace(a, ties=frozenset({"subject:1"})) for a in KNOWN),
                NAMES[1],
            ),
            id="tied",
        ),
        pytest.param(
            (
                WINDOW,
                replace(FINE, rule=replace(FINE.rule, barred=frozenset({NAMES[1]}))),
                SIGNING,
                KNOWN,
                NAMES[1],
            ),
            id="its author",
        ),
        pytest.param(
            (
                WINDOW,
                replace(FINE, rule=replace(FINE.rule, people=frozenset(NAMES))),
                SIGNING,
                KNOWN,
                NAMES[3],
            ),
            id="another list",
        ),
    ],
)
def test_each_thing_that_is_wrong_takes_the_second_signature_again(
    wrong: tuple[Window | None, Asked, int | None, tuple[Approver, ...], PersonId],
) -> None:
    assert not enough(*wrong)


def test_what_opens_valuation_has_one_of_the_other_party_in_a_window_too() -> None:
    rule = replace(FINE.rule, valuation_raise=True, gaining=frozenset({Party.ACQUIRER}))
    raising = replace(FINE, rule=rule)
    assert not enough(WINDOW, raising, SIGNING, KNOWN, NAMES[1])
    assert enough(WINDOW, raising, SIGNING, KNOWN, NAMES[2])


@pytest.mark.parametrize(
    "wrong",
    [
        {"opens": SIGNING - LONGEST - 1},
        {"closes": SIGNING + 1},
        {"closes": SIGNING - 100},
        {"people": frozenset(NAMES[:1])},
        {"conversations": frozenset()},
    ],
)
def test_no_window_is_longer_earlier_or_emptier_than_it_may_be(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="signing window"):
        replace(WINDOW, **wrong)  # type: ignore[arg-type]  # each is of its field's type


@pytest.mark.parametrize(
    "loose",
    [
        pytest.param(lambda w, a, s, k, p: enough(w, replace(a, at=w.opens), s, k, p), id="time"),
        pytest.param(
            lambda w, a, s, k, p: enough(w, replace(a, conversation=min(w.conversations)), s, k, p),
            id="room",
        ),
        pytest.param(lambda w, a, _, k, p: enough(w, a, w.signing, k, p), id="moved"),
        pytest.param(
            lambda w, a, s, k, p: enough(
                w, a, s, tuple(replace(x, ties=frozenset()) for x in k), p
            ),
            id="ties",
        ),
    ],
)
def test_a_planted_leniency_is_seen(loose: Enough) -> None:
    """Each rule taken out lets something through that ought not to go."""
    tied = tuple(replace(a, ties=frozenset({"subject:1"})) for a in KNOWN)
    cases = [
        (WINDOW, replace(FINE, at=SIGNING - 101), SIGNING, KNOWN, NAMES[1]),
        (WINDOW, replace(FINE, conversation=ROOMS[1]), SIGNING, KNOWN, NAMES[1]),
        (WINDOW, FINE, SIGNING + 1, KNOWN, NAMES[1]),
        (WINDOW, FINE, SIGNING, tied, NAMES[1]),
    ]
    assert any(loose(*case) != ought(*case) for case in cases)
