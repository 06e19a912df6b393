"""The application: one router for each kind of thing, every answer a view or a problem.

Rule kept here: its routes are built once in a process, which costs far more than a request; which
home answers is said with each request.
"""

from functools import cache

from fastapi import Depends, FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from orchestrator.api import errors
from orchestrator.api.approvals import router as approvals
from orchestrator.api.approvals_desk import router as approvals_desk
from orchestrator.api.audit_desk import router as audit_desk
from orchestrator.api.backup import router as backup
from orchestrator.api.bots import router as bots
from orchestrator.api.connections import router as connections
from orchestrator.api.copies import router as copies
from orchestrator.api.deals import router as deals
from orchestrator.api.devices import router as devices
from orchestrator.api.documents import router as documents
from orchestrator.api.documents_desk import router as documents_desk
from orchestrator.api.evidence import router as evidence
from orchestrator.api.guard import own_words
from orchestrator.api.held import router as held
from orchestrator.api.held_desk import router as held_desk
from orchestrator.api.keys_desk import router as keys_desk
from orchestrator.api.leaves import router as leaves
from orchestrator.api.legal_holds import router as legal_holds
from orchestrator.api.memberships import router as memberships
from orchestrator.api.network import router as network
from orchestrator.api.notify import router as notify
from orchestrator.api.oidc import router as oidc
from orchestrator.api.openapi import describe
from orchestrator.api.overview import router as overview
from orchestrator.api.own import router as own
from orchestrator.api.passkeys import router as passkeys
from orchestrator.api.people import insiders
from orchestrator.api.people import router as people
from orchestrator.api.plans import router as plans
from orchestrator.api.port import Home
from orchestrator.api.prevented import router as prevented
from orchestrator.api.reach import HOME_IN_SCOPE
from orchestrator.api.reading import router as reading
from orchestrator.api.record import router as record
from orchestrator.api.rehearsing import told_apart
from orchestrator.api.replay import router as replay
from orchestrator.api.risk import router as risk
from orchestrator.api.rooms import router as rooms
from orchestrator.api.rosters import router as rosters
from orchestrator.api.scim import known
from orchestrator.api.scim import router as scim
from orchestrator.api.sign_in import router as sign_in
from orchestrator.api.signing import router as signing
from orchestrator.api.state import router as state
from orchestrator.api.strangers import router as strangers
from orchestrator.api.tiering import router as tiering
from orchestrator.api.trouble import router as trouble
from orchestrator.api.webhooks import router as webhooks
from orchestrator.api.who import VIEWER_IN_SCOPE
from tiers.rights import Viewer

PREFIX = "/api/v1"


def make_app(home: Home) -> ASGIApp:
    """The API of an open home, for its own user."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        whole = told_apart(application(), PREFIX)
        await whole({**scope, HOME_IN_SCOPE: home}, receive, send)

    return answer


def make_desk(home: Home, viewer: Viewer | None) -> ASGIApp:
    """The API of an open home, for whoever is signed in; None is nobody."""
    whole = make_app(home)

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        await whole({**scope, VIEWER_IN_SCOPE: viewer}, receive, send)

    return answer


@cache
def application() -> FastAPI:
    """The routes of every home. Each asks who calls, also those that only read."""
    app = FastAPI(
        title="Wallcross",
        version="1",
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=None,  # its pages load scripts from another host
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
        dependencies=[Depends(own_words)],
    )
    errors.install(app)
    for router in (
        state,
        deals,
        approvals,
        approvals_desk,
        people,
        memberships,
        own,
        rosters,
        insiders,
        leaves,
        rooms,
        plans,
        held,
        held_desk,
        overview,
        documents,
        copies,
        network,
        audit_desk,
        connections,
        documents_desk,
        keys_desk,
        record,
        backup,
        legal_holds,
        evidence,
        replay,
        risk,
        tiering,
        trouble,
        strangers,
        signing,
        sign_in,
        passkeys,
        devices,
        bots,
        oidc,
        notify,
        prevented,
        reading,
        known,
        webhooks,
    ):
        app.include_router(router, prefix=PREFIX)
    app.include_router(scim, include_in_schema=False)  # it describes itself
    describe(app)
    return app
