"""What is shown where there is nothing to show: one way of saying it for every page.

Rules kept here:

1. It is said what is true now, what we do by ourselves and until when, and what is left to do.
2. Nothing that is old or unknown is called good.
3. No trace of a program's error reaches a page.
"""

import streamlit as st

from dashboard.safe import safe
from orchestrator.client.problems import Problem

SIGNED_OUT = "You are signed out."


def signed_out() -> None:
    """Says that the session is over; the page is empty beside it."""
    st.header(SIGNED_OUT, anchor=False)
    st.text("Nothing of the deal is left on this page.")
    st.link_button("Sign in", "/in", type="primary")


def no_deal() -> None:
    """Says how a deal begins to whoever has none."""
    st.header("Start with a list of people.", anchor=False)
    st.text("A CSV from your lawyers is fine. Whoever runs this Wallcross takes it in.")
    st.text("You are signed in, and no deal names you yet. Ask the deal's owner for your link.")


def failed(problem: Problem) -> None:
    """Says what went wrong, what still holds and what can be done."""
    with st.container(border=True):
        st.markdown(":red[:material/error:] **" + safe(problem.wrong) + "**")
        if problem.still:
            st.markdown("Still true: " + safe(problem.still))
        for line in problem.details:
            st.markdown("- " + safe(line))
        if problem.then.startswith("/in"):
            st.link_button("Prove that it is you", "/in?again", icon=":material/passkey:")
        elif problem.then:
            st.markdown("What you can do: " + safe(problem.then))


def done(words: str) -> None:
    """Says that an act went well; ``words`` are ours, names in them went through ``safe``."""
    st.success(words, icon=":material/check_circle:")


def nothing(words: str) -> None:
    """Says that nothing needs anybody, in green."""
    st.markdown(":green[:material/check_circle:] " + words)


def unknown(age: str) -> None:
    """Says that the figures are too old to judge by.

    Args:
        age: how old, in words of ours.
    """
    st.markdown(":orange[:material/help:] **We cannot tell right now.** Last known " + age + ".")


def down(channel: str, since: str) -> None:
    """Says that a channel does not answer.

    Args:
        channel: its name, as it came.
        since: for how long, in words of ours.
    """
    st.markdown(
        ":orange[:material/cloud_off:] **"
        + safe(channel)
        + " has not answered for "
        + since
        + ".** Messages wait here. Nothing is sent another way."
    )


def nobody() -> None:
    """Says that a search found no one."""
    st.markdown("Nobody by that name is on this deal. That is also an answer: they have no access.")


def partly(seen: int, asked: int, waiting: str, then: str) -> None:
    """Says that some of it was done.

    Args:
        seen: how many were seen done.
        asked: of how many.
        waiting: who has not confirmed, escaped by the caller.
        then: what we do about it and until when, in words of ours.
    """
    figures = str(seen) + " of " + str(asked) + " seen."
    st.markdown(":orange[:material/pending:] **" + figures + "** " + waiting + " " + then)
