"""Routes: what a company's directory says of who works there (SCIM 2.0, RFC 7644).

Rules kept here:

1. A directory takes out at once and lets nobody in (``orchestrator.command.directory``).
2. Requests and answers are ``application/scim+json``; errors are those of RFC 7644.
3. It describes itself (``/Schemas``) and is no part of the API's own description. What describes
   SCIM is loaded with the first request of a directory.
"""

import json
from asyncio import to_thread
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any

from fastapi import APIRouter, Request, Response

from orchestrator.api.port import Home
from orchestrator.api.reach import OpenHome
from orchestrator.api.scim_errors import MEDIA_TYPE, PREFIX, ReadOnly, Unfit
from orchestrator.api.who import Actor
from orchestrator.client.directory import Identity, IdentityKind, KnownView
from orchestrator.client.problems import Missing, TooLarge

_KINDS: Mapping[str, IdentityKind] = {"Users": "user", "Groups": "group"}
_DESCRIBES = frozenset({"ServiceProviderConfig", "ResourceTypes", "Schemas"})
_READ = frozenset({MEDIA_TYPE, "application/json"})
_LONGEST_QUERY, _LARGEST = 2_000, 128 << 10
"""Characters of a query, and bytes of a body."""
_LONGEST_TAG = 24
_NO_STORE = {"cache-control": "no-store"}
known = APIRouter()
router = APIRouter(prefix=PREFIX)


@known.get("/directory")
async def directory_list(home: OpenHome) -> Sequence[KnownView]:
    """Everybody whom a directory named, with who he is on the lists of this home."""
    return await home.directory_list()


@router.get("/ServiceProviderConfig")
async def scim_config() -> Response:
    """What we can."""
    return _answer(_shapes().config())


@router.get("/ResourceTypes")
async def scim_types() -> Response:
    """Users and groups."""
    return _answer(_shapes().whole_list(list(_shapes().types().values())))


@router.get("/ResourceTypes/{name}")
async def scim_type(name: str) -> Response:
    """One of them."""
    return _answer(_one(_shapes().types(), name))


@router.get("/Schemas")
async def scim_schemas() -> Response:
    """What is kept of them."""
    return _answer(_shapes().whole_list(list(_shapes().schemas().values())))


@router.get("/Schemas/{name}")
async def scim_schema(name: str) -> Response:
    """One of them."""
    return _answer(_one(_shapes().schemas(), name))


@router.get("/{resource}")
async def scim_list(resource: str, request: Request, home: OpenHome) -> Response:
    """Those that fit a filter, in pages."""
    return await _found(_kind(resource), _query(request), home)


@router.post("/{resource}/.search")
async def scim_search(resource: str, request: Request, home: OpenHome) -> Response:
    """The same, asked for where no log reads it."""
    kind = _kind(resource)
    query = await to_thread(_shapes().read_search, kind, await _body(request))
    return await _found(kind, query, home)


@router.post("/{resource}")
async def scim_new(resource: str, request: Request, home: OpenHome, actor: Actor) -> Response:
    """Notes somebody new; he gets no seat by it."""
    new = await to_thread(_shapes().read_new, _kind(resource), await _body(request))
    return _told(request, await home.directory_new(new, actor=actor), status=201)


@router.get("/{resource}/{identity}")
async def scim_show(resource: str, identity: str, request: Request, home: OpenHome) -> Response:
    """One, unless the directory has it as it is."""
    found = await home.directory_show(_kind(resource), identity)
    tag = _shapes().etag(found)
    if tag in _tags(request, "if-none-match"):
        return Response(status_code=304, headers={"etag": tag, **_NO_STORE})
    return _told(request, found)


@router.put("/{resource}/{identity}")
async def scim_replace(
    resource: str, identity: str, request: Request, home: OpenHome, actor: Actor
) -> Response:
    """Notes what is said of somebody, in place of what was; who is gone is taken out at once."""
    before = await home.directory_show(_kind(resource), identity)
    after = await to_thread(_shapes().read_whole, before, await _body(request))
    version = _version(request, before)
    return _told(request, await home.directory_change(before, after, version=version, actor=actor))


@router.patch("/{resource}/{identity}")
async def scim_patch(
    resource: str, identity: str, request: Request, home: OpenHome, actor: Actor
) -> Response:
    """Changes what is said of somebody; who is gone is taken out at once."""
    before = await home.directory_show(_kind(resource), identity)
    after = await to_thread(_shapes().read_change, before, await _body(request))
    version = _version(request, before)
    return _told(request, await home.directory_change(before, after, version=version, actor=actor))


@router.delete("/{resource}/{identity}")
async def scim_drop(
    resource: str, identity: str, request: Request, home: OpenHome, actor: Actor
) -> Response:
    """Forgets somebody, who is taken out at once."""
    before = await home.directory_show(_kind(resource), identity)
    version = _version(request, before)
    await home.directory_drop(before.kind, identity, version=version, actor=actor)
    return Response(status_code=204)


@cache
def _shapes() -> ModuleType:
    return import_module("orchestrator.api.scim_shapes")


async def _found(kind: IdentityKind, query: Mapping[str, str], home: Home) -> Response:
    where, first, most = _shapes().search(kind, query)
    only = _shapes().parameters(kind, query)
    total, found = await home.directory_find(kind, where, first, most)
    return _answer(_shapes().listed(found, total, first, only))


def _kind(resource: str) -> IdentityKind:
    if resource in _DESCRIBES:
        raise ReadOnly("This describes us, and is read alone")
    if resource not in _KINDS:
        raise Missing("There is no such thing")
    return _KINDS[resource]


def _one(found: Mapping[str, Any], name: str) -> Any:
    if name not in found:
        raise Missing("There is no such thing")
    return found[name]


def _query(request: Request) -> Mapping[str, str]:
    """What a query says, each of it once. Raises: Unfit."""
    said = request.query_params.multi_items()
    if len({name for name, _ in said}) < len(said):
        raise Unfit("invalidValue")
    if sum(len(value) for _, value in said) > _LONGEST_QUERY:
        raise Unfit("invalidFilter")
    return dict(said)


async def _body(request: Request) -> bytes:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in _READ:
        raise Unfit("invalidSyntax")
    body = await request.body()
    if len(body) > _LARGEST:
        raise TooLarge(f"More than {_LARGEST >> 10} KiB are not taken here")
    return body


def _tags(request: Request, header: str) -> Sequence[str]:
    return [tag.strip() for tag in request.headers.get(header, "").split(",")]


def _version(request: Request, before: Identity) -> int | None:
    """The version that a directory knows; None: it does not say one. One that is none fits none."""
    tags = _tags(request, "if-match")
    if tags in ([""], ["*"]):
        return None
    return before.version if _shapes().etag(before) in tags else -1


def _told(request: Request, identity: Identity, *, status: int = 200) -> Response:
    only = _shapes().parameters(identity.kind, _query(request))
    body = _shapes().dumped(identity, only)
    more = {"etag": _shapes().etag(identity)}
    if status == 201:  # noqa: PLR2004 - Created
        more["location"] = body["meta"]["location"] if "meta" in body else ""
    return _answer(body, status, more)


def _answer(body: Any, status: int = 200, more: Mapping[str, str] | None = None) -> Response:
    headers = {**_NO_STORE, **(more or {})}
    return Response(json.dumps(body), status, headers, MEDIA_TYPE)
