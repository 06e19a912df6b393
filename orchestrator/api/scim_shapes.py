"""What a directory and we say to each other (RFC 7643, RFC 7644), by ``scim2-models``.

Rules kept here:

1. A user has a name, an external id, a shown name and whether he is active; whatever else a
   directory sends is read past and kept nowhere. What is not well formed is refused whole.
2. An error names a code of RFC 7644 and says nothing of what was sent.
3. What would take long is refused first: a request of a directory holds nobody else up.
4. A filter is ``attribute eq "value"`` of what identities are told apart by; no other is answered.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Any, cast

from pydantic import Field, ValidationError
from scim2_models import (
    URN,
    AuthenticationScheme,
    Bulk,
    CaseExact,
    ChangePassword,
    ComplexAttribute,
    Context,
    ETag,
    Filter,
    ListResponse,
    Meta,
    Mutability,
    Patch,
    PatchOp,
    Reference,
    Required,
    Resource,
    ResourceType,
    ResponseParameters,
    Schema,
    SCIMException,
    ScimFilter,
    ScimPolicy,
    SearchRequest,
    ServiceProviderConfig,
    Sort,
    Uniqueness,
)
from scim2_models.path import CompareOperator, Comparison

from orchestrator.api.scim_errors import PREFIX, Unfit
from orchestrator.client.directory import Identity, IdentityKind
from orchestrator.clock import SECOND

MOST_AT_ONCE = 200
MOST_OPERATIONS, LONGEST_PATH = 50, 500
"""Of one change; characters."""
_PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
_POLICY = ScimPolicy(unknown=ScimPolicy.Unknown.ignore)
"""What we do not keep is read past; every other liberty of a directory is refused."""
_FIELDS: Mapping[str, str] = {
    "id": "id",
    "externalid": "external",
    "username": "name",
    "displayname": "name",
}
Where = tuple[str, str] | None


class User(Resource[Any]):
    """A user, as far as he is kept."""

    __schema__ = URN("urn:ietf:params:scim:schemas:core:2.0:User")

    user_name: Annotated[str | None, Uniqueness.server, Required.true] = None
    """By what he is known to his company."""
    display_name: str | None = None
    """As he is shown."""
    active: Annotated[bool | None, Required.true] = None
    """Whether he works there; who is not said to be, of those that are new, is."""


class Member(ComplexAttribute):
    """A member of a group: a user."""

    value: Annotated[str | None, Mutability.immutable, CaseExact.true, Required.true] = None
    """His id."""
    ref: Annotated[Reference[User] | None, Mutability.immutable] = Field(
        None, serialization_alias="$ref", validation_alias="$ref"
    )
    """Where he is."""


class Group(Resource[Any]):
    """A group, as far as it is kept."""

    __schema__ = URN("urn:ietf:params:scim:schemas:core:2.0:Group")

    display_name: Annotated[str | None, Required.true] = None
    """As it is shown."""
    members: list[Member] | None = None
    """Who is in it."""


Shape = User | Group
_SHAPES: Mapping[str, type[Shape]] = {"user": User, "group": Group}
KINDS: Mapping[str, IdentityKind] = {"Users": "user", "Groups": "group"}
_PATCHES: Mapping[str, Any] = {"user": PatchOp[User], "group": PatchOp[Group]}
_SEARCHES: Mapping[str, Any] = {"user": SearchRequest[User], "group": SearchRequest[Group]}
_FILTERS: Mapping[str, Any] = {"user": ScimFilter[User], "group": ScimFilter[Group]}
_PARAMETERS: Mapping[str, Any] = {
    "user": ResponseParameters[User],
    "group": ResponseParameters[Group],
}
_CHANGES = Context.RESOURCE_PATCH_REQUEST
_PLACES: Mapping[IdentityKind, str] = {kind: place for place, kind in KINDS.items()}


def read_new(kind: IdentityKind, body: bytes) -> Identity:
    """Whom a directory names anew. Raises: Unfit."""
    said = _said(kind, body, active=True)
    return _identity(kind, _shape(kind, said, Context.RESOURCE_CREATION_REQUEST), None)


def read_whole(before: Identity, body: bytes) -> Identity:
    """What a directory says of somebody in place of what it said (RFC 7644, 3.5.1).

    What it does not say of being active stays as it was: nobody comes back by being left out.

    Raises:
        Unfit: it is not well formed.
    """
    said = _said(before.kind, body, active=before.active)
    found = _shape(before.kind, said, Context.RESOURCE_REPLACEMENT_REQUEST)
    return _identity(before.kind, found, before)


def read_change(before: Identity, body: bytes) -> Identity:
    """Somebody as he is changed (RFC 7644, 3.5.2): all of it, or none. Raises: Unfit."""
    said = _json(body, _PATCH)
    _check_effort(said)
    try:
        with _POLICY:
            patch = _PATCHES[before.kind].model_validate(said, scim_ctx=_CHANGES)
            shape = shape_of(before)
            patch.patch(shape)
    except (ValidationError, SCIMException) as error:
        raise _unfit(error) from None
    return _identity(before.kind, shape, before)


def _said(kind: IdentityKind, body: bytes, *, active: bool) -> dict[str, Any]:
    """What was sent of somebody; of being active, what holds where nothing was said."""
    said = _json(body, str(_SHAPES[kind].__schema__))
    silent = kind == "user" and "active" not in {name.lower() for name in said}
    return {**said, "active": active} if silent else said


def _shape(kind: IdentityKind, said: dict[str, Any], context: Context) -> Shape:
    try:
        with _POLICY:
            return _SHAPES[kind].model_validate(said, scim_ctx=context)
    except (ValidationError, SCIMException) as error:
        raise _unfit(error) from None


def _json(body: bytes, schema: str) -> dict[str, Any]:
    try:
        said = json.loads(body.decode(), object_pairs_hook=_once)
    except (ValueError, RecursionError):
        raise Unfit("invalidSyntax") from None
    schemas = said.get("schemas") if isinstance(said, dict) else None
    named = [s.lower() for s in schemas if isinstance(s, str)] if isinstance(schemas, list) else []
    if schema.lower() not in named:
        raise Unfit("invalidSyntax")
    return dict(said)


def _check_effort(said: Mapping[str, Any]) -> None:
    """Whether a change is no more work than changes are. Raises: Unfit."""
    for name, value in said.items():
        operations = value if name.lower() == "operations" and isinstance(value, list) else []
        paths = (
            str(v) for o in operations if isinstance(o, dict)
            for n, v in o.items() if n.lower() == "path"
        )  # fmt: skip
        if len(operations) > MOST_OPERATIONS or any(len(path) > LONGEST_PATH for path in paths):
            raise Unfit("tooMany")


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """An object that says nothing twice: two readers would take it for two things."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands twice")
    return found


def _unfit(error: ValidationError | SCIMException) -> Unfit:
    if isinstance(error, SCIMException):
        return Unfit(error.scim_type or "invalidValue")
    kind = str(
        error.errors(include_url=False, include_input=False, include_context=False)[0]["type"]
    )
    known = kind.removeprefix("scim_") if kind.startswith("scim_") else "invalidValue"
    return Unfit(known if known in _CODES else "invalidValue")


_CODES = frozenset(
    {"invalidFilter", "tooMany", "uniqueness", "mutability", "invalidSyntax", "invalidPath"}
    | {"noTarget", "invalidValue", "invalidVers", "sensitive"}
)


def _identity(kind: IdentityKind, shape: Shape, before: Identity | None) -> Identity:
    name = shape.user_name if isinstance(shape, User) else shape.display_name
    if name is None:
        raise Unfit("invalidValue")
    made = replace(before or Identity(kind=kind, name=name), name=name, external=shape.external_id)
    if isinstance(shape, User):
        if shape.active is None:
            raise Unfit("mutability")
        return replace(made, shown=shape.display_name, active=shape.active)
    members = [member.value for member in shape.members or ()]
    if any(member is None for member in members):
        raise Unfit("invalidValue")
    return replace(made, members=tuple(dict.fromkeys(m for m in members if m is not None)))


def shape_of(identity: Identity) -> Shape:
    """An identity as it is told."""
    place = f"{PREFIX}/{_PLACES[identity.kind]}/{identity.identity_id}"
    meta = Meta(
        resource_type=identity.kind.capitalize(),
        created=_instant(identity.made_at),
        last_modified=_instant(identity.changed_at),
        location=place,
        version=etag(identity),
    )
    common = {"id": identity.identity_id, "external_id": identity.external, "meta": meta}
    if identity.kind == "user":
        own = {"display_name": identity.shown, "active": identity.active}
        return User(user_name=identity.name, **own, **common)  # type: ignore[arg-type]  # as typed
    members = [_member(member) for member in identity.members]
    return Group(display_name=identity.name, members=members or None, **common)  # type: ignore[arg-type]  # likewise


def _member(identity: str) -> Member:
    place = f"{PREFIX}/{_PLACES['user']}/{identity}"
    return Member(value=identity, ref=Reference[User](place))


def etag(identity: Identity) -> str:
    """The version of an identity, as its entity tag."""
    return f'W/"{identity.version}"'


def dumped(identity: Identity, only: ResponseParameters[Any] | None = None) -> dict[str, Any]:
    """An identity as it is answered."""
    context = Context.RESOURCE_QUERY_RESPONSE
    return shape_of(identity).model_dump(scim_ctx=context, response_parameters=only)


def parameters(kind: IdentityKind, query: Mapping[str, str]) -> ResponseParameters[Any]:
    """Which attributes a directory wants (RFC 7644, 3.9). Raises: Unfit."""
    said = {n: query[n] for n in ("attributes", "excludedAttributes") if n in query}
    try:
        with _POLICY:
            return cast("ResponseParameters[Any]", _PARAMETERS[kind].model_validate(said))
    except (ValidationError, SCIMException):
        raise Unfit("invalidValue") from None


def search(kind: IdentityKind, query: Mapping[str, str]) -> tuple[Where, int, int]:
    """A field and its value, the first that is asked for, and how many. Raises: Unfit."""
    said = {n: query[n] for n in ("startIndex", "count") if n in query}
    try:
        asked = _SEARCHES[kind].model_validate(said)
    except (ValidationError, SCIMException):
        raise Unfit("invalidValue") from None
    count = MOST_AT_ONCE if asked.count is None else min(asked.count, MOST_AT_ONCE)
    first = min(asked.start_index_0 or 0, 2**31)
    return (where(kind, query["filter"]) if "filter" in query else None), first, count


def read_search(kind: IdentityKind, body: bytes) -> dict[str, str]:
    """A query that is sent as a body (RFC 7644, 3.4.3), as one that is not. Raises: Unfit."""
    said = _json(body, str(SearchRequest.__schema__))
    try:
        asked = _SEARCHES[kind].model_validate(said)
    except (ValidationError, SCIMException):
        raise Unfit("invalidValue") from None
    found = {
        "filter": None if asked.filter is None else str(asked.filter),
        "startIndex": asked.start_index,
        "count": asked.count,
        "attributes": ",".join(map(str, asked.attributes or ())) or None,
        "excludedAttributes": ",".join(map(str, asked.excluded_attributes or ())) or None,
    }
    return {name: str(value) for name, value in found.items() if value is not None}


def where(kind: IdentityKind, text: str) -> Where:
    """What a filter asks for. Raises: Unfit."""
    try:
        node = _FILTERS[kind](text).ast
    except (SCIMException, ValidationError, RecursionError):
        raise Unfit("invalidFilter") from None
    if not isinstance(node, Comparison) or node.op is not CompareOperator.eq:
        raise Unfit("invalidFilter")
    attribute, value = str(node.attr_path).lower(), node.value
    attribute = attribute.removeprefix(f"{str(_SHAPES[kind].__schema__).lower()}:")
    other = "displayname" if kind == "user" else "username"
    if attribute not in _FIELDS or attribute == other or not isinstance(value, str):
        raise Unfit("invalidFilter")
    return _FIELDS[attribute], value


def listed(
    found: Sequence[Identity], total: int, first: int, only: ResponseParameters[Any]
) -> dict[str, Any]:
    """A page of identities."""
    return {
        "schemas": [str(ListResponse.__schema__)],
        "totalResults": total,
        "startIndex": first + 1,
        "itemsPerPage": len(found),
        "Resources": [dumped(identity, only) for identity in found],
    }


def whole_list(resources: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A list of what describes us."""
    count = len(resources)
    return {
        "schemas": [str(ListResponse.__schema__)],
        "totalResults": count,
        "startIndex": 1,
        "itemsPerPage": count,
        "Resources": list(resources),
    }


def config() -> dict[str, Any]:
    """What we can (RFC 7643, 5)."""
    found = ServiceProviderConfig(
        patch=Patch(supported=True),
        bulk=Bulk(supported=False, max_operations=0, max_payload_size=0),
        filter=Filter(supported=True, max_results=MOST_AT_ONCE),
        change_password=ChangePassword(supported=False),
        sort=Sort(supported=False),
        etag=ETag(supported=True),
        authentication_schemes=[
            AuthenticationScheme(
                type="oauthbearertoken",  # type: ignore[arg-type]  # one of its known words
                name="A directory's token",
                description="`wallcross token new LABEL --scope scim`, agreed to by two people",
                primary=True,
            )
        ],
        meta=_described("ServiceProviderConfig", "ServiceProviderConfig"),
    )
    return found.model_dump(scim_ctx=Context.RESOURCE_QUERY_RESPONSE)


def types() -> dict[str, dict[str, Any]]:
    """Users and groups, by name (RFC 7643, 6)."""
    found = {}
    for model in _SHAPES.values():
        kind = ResourceType.from_resource(model)
        kind.meta = _described("ResourceType", f"ResourceTypes/{kind.name}")
        found[str(kind.name)] = kind.model_dump(scim_ctx=Context.RESOURCE_QUERY_RESPONSE)
    return found


def schemas() -> dict[str, dict[str, Any]]:
    """What is kept of them, by schema (RFC 7643, 7)."""
    found = {}
    for model in _SHAPES.values():
        schema: Schema = model.to_schema()
        schema.meta = _described("Schema", f"Schemas/{schema.id}")
        found[str(schema.id)] = schema.model_dump(scim_ctx=Context.RESOURCE_QUERY_RESPONSE)
    return found


def _described(kind: str, place: str) -> Meta:
    return Meta(resource_type=kind, location=f"{PREFIX}/{place}")


def _instant(at: int) -> datetime:
    return datetime.fromtimestamp(at / SECOND, UTC)
