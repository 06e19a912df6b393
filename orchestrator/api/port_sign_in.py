"""What the API needs of a running home about who is signed in.

Rule kept here: as for ``orchestrator.api.port``. A secret goes in, or out once; it is in no view,
no entry and no log.
"""

from collections.abc import AsyncGenerator, Sequence
from typing import Protocol

from orchestrator.client.sign_in import (
    DeviceAsk,
    DeviceToken,
    DeviceView,
    LinkView,
    LoginView,
    MeView,
    NewLink,
    PasskeyAsk,
    SessionView,
    WaysView,
)
from orchestrator.signin.challenges import Purpose
from orchestrator.signin.oidc import Answered
from tiers.ids import DealId, PersonId
from tiers.rights import Viewer

Actor = str


class SignInAccess(Protocol):
    """Who is signed in, and how one gets there."""

    async def viewer_of(self, secret: str, *, used: bool) -> Viewer | None:
        """Whose secret that is now; ``used``: he does something, and is not idle."""
        ...

    async def me(self, viewer: Viewer) -> MeView:
        """Whoever asks."""
        ...

    async def own_not_me(self, viewer: Viewer) -> int:
        """Takes away whatever could be somebody else's; returns how many sessions ended."""
        ...

    async def session_show(self, session: str) -> SessionView:
        """A session. Raises: Missing."""
        ...

    async def session_end(self, session: str) -> None:
        """Ends a session."""
        ...

    async def link_look(self, secret: str) -> LinkView:
        """What a link is for. Raises: Refused."""
        ...

    async def link_open(self, secret: str, current: str | None) -> tuple[LinkView, str]:
        """Opens a link, once; returns what it is for, and the session's secret.

        ``current`` is the session in which it is opened. Raises: Refused.
        """
        ...

    async def link_new(self, deal: DealId, person: PersonId, *, actor: Actor) -> NewLink:
        """Makes a person's link. Raises: Missing, Refused."""
        ...

    async def home_link(self, *, actor: Actor) -> NewLink:
        """Makes a link for the home's own user."""
        ...

    async def sign_out(self, deal: DealId, person: PersonId, *, actor: Actor) -> int:
        """Ends every session of a person; returns how many."""
        ...

    async def sign_out_all(self, *, actor: Actor) -> int:
        """Ends every session; returns how many."""
        ...

    async def passkey_ask(self, purpose: Purpose, viewer: Viewer | None) -> PasskeyAsk:
        """A challenge for a browser."""
        ...

    async def passkey_sign(
        self, challenge_id: str, answer: str, current: str | None
    ) -> tuple[SessionView, str]:
        """Signs in, or proves again; the session and its secret. Raises: Refused, BadSignature."""
        ...

    async def passkey_new(self, challenge_id: str, answer: str, current: str) -> int:
        """Makes a new passkey a login. Raises: Refused, NoKey."""
        ...

    async def login_list(self, deal: DealId, person: PersonId) -> Sequence[LoginView]:
        """What a person signs in with."""
        ...

    async def login_end(self, deal: DealId, person: PersonId, login: str, *, actor: Actor) -> int:
        """Ends a login, at once; returns how many sessions ended by it. Raises: Missing."""
        ...

    def ways(self) -> WaysView:
        """How one may sign in here."""
        ...

    async def oidc_begin(self, viewer: Viewer | None, *, again: bool) -> tuple[str, str]:
        """Where the browser goes, and what it keeps meanwhile. Raises: Missing, Unready."""
        ...

    async def oidc_back(self, answer: Answered, viewer: Viewer | None) -> str:
        """Signs in whom the provider sent back; the session's secret. Raises: Refused, Unready."""
        ...

    async def oidc_end(self, viewer: Viewer) -> str | None:
        """Ends the session; returns where it is ended at the provider."""
        ...

    async def oidc_ended_outside(self, logout_token: str) -> int:
        """Ends what the provider says is over; returns how many. Raises: Refused."""
        ...

    async def device_begin(self, label: str) -> DeviceAsk:
        """Begins signing in a program. Raises: TooOften."""
        ...

    async def device_token(self, device: str) -> DeviceToken:
        """What came of it. Raises: Refused, TooOften."""
        ...

    async def device_confirm(self, shown: str, viewer: Viewer, *, sure: bool) -> DeviceView:
        """What asks under a code; ``sure`` signs it in. Raises: Missing."""
        ...

    def sessions_ended(self) -> AsyncGenerator[str]:
        """Ids of sessions as they end, from now on."""
        ...

    async def keep_sessions(self) -> None:
        """Ends for ever what is over by itself."""
        ...
