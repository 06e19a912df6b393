"""A person on Matrix, as the far side's ground truth.

Rule kept here: this is another implementation of a client than ours. It is matrix-nio's own
``AsyncClient``, with its own store, device and idea of a room; what it decrypted is what a person
would have seen. Nothing of ``connectors`` is imported.

A person here trusts whatever device turns up (as most people do); that is not how we send.
"""

import asyncio
import io
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
from nio import (
    AsyncClient,
    AsyncClientConfig,
    Event,
    MatrixRoom,
    MegolmEvent,
    RedactionEvent,
    RoomEncryptedMedia,
    RoomMessage,
    UnknownEncryptedEvent,
)
from nio.crypto import decrypt_attachment
from nio.exceptions import EncryptionError
from nio.responses import ErrorResponse
from nio.store import SqliteStore

_TEXT = "m.room.message"
_PATIENCE = 20.0
_FILTER = {"room": {"timeline": {"limit": 100}}}


class Refused(Exception):
    """The homeserver refused what a person tried. Args: code: its error code."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Seen:
    """One event as a person's client has it.

    Attributes:
        room: where.
        event_id: its name.
        sender: who.
        body: what it says; None where it could not be decrypted.
        content: its content, decrypted.
    """

    room: str
    event_id: str
    sender: str
    body: str | None = field(repr=False)
    content: dict[str, Any] = field(repr=False)

    @property
    def readable(self) -> bool:
        """Whether it could be decrypted."""
        return self.body is not None

    @property
    def delivery_key(self) -> str | None:
        """The delivery that it carries, by its hidden mark."""
        return self.content.get("org.wallcross.delivery")

    @property
    def said(self) -> str:
        """The text without the author line and the marks that our account puts around it."""
        body = self.body or ""
        if "org.wallcross.author" in self.content:
            _, _, block = body.partition("\n")
            body = "".join(line.removeprefix("> ") for line in block.splitlines(keepends=True))
        if "org.wallcross.subject" in self.content:
            _, _, body = body.partition("\n\n")
        return body


class Person:
    """One device of one account.

    Args:
        url: base URL of the homeserver.
        user: Matrix user id.
        password: to sign in with.
        folder: for this device's keys; a new folder is a new device.
    """

    def __init__(self, url: str, user: str, password: str, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.user = user
        self.seen: list[Seen] = []
        self.redacted: list[str] = []
        self._url = url
        self._password = password
        self._folder = folder
        self._replaced = False
        self._client = self._new_client()

    def _new_client(self) -> Any:
        config = AsyncClientConfig(
            store=SqliteStore, encryption_enabled=True, max_limit_exceeded=0, max_timeouts=0
        )
        client = AsyncClient(self._url, self.user, store_path=str(self._folder), config=config)
        noted = (RoomMessage, RoomEncryptedMedia, MegolmEvent, UnknownEncryptedEvent)
        client.add_event_callback(self._note, noted)
        client.add_event_callback(self._note_redaction, RedactionEvent)
        return client

    async def open(self) -> None:
        """Signs in, as the device of its folder, and catches up."""
        kept = self._folder / "login.json"
        if kept.exists():
            told = json.loads(kept.read_text())
            self._client.restore_login(self.user, told["device"], told["token"])
        else:
            _good(await self._client.login(self._password, device_name="phone"))
            login = {"device": self._client.device_id, "token": self._client.access_token}
            kept.write_text(json.dumps(login))
            kept.chmod(0o600)
        if self._client.should_upload_keys:
            _good(await self._client.keys_upload())
        await self.sync(full=True)

    async def close(self) -> None:
        """Ends; the device stays signed in."""
        await self._client.close()
        if self._client.store:
            self._client.store.database.close()

    @property
    def device(self) -> tuple[str, str]:
        """(device id, ed25519 key) as this person's own client shows it."""
        return str(self._client.device_id), str(self._client.olm.account.identity_keys["ed25519"])

    @property
    def token(self) -> str:
        """Access token, for raw calls."""
        return str(self._client.access_token)

    async def sync(self, *, wait: float = 0.0, full: bool = False) -> None:
        """Catches up once.

        Args:
            wait: seconds that the homeserver may wait for news.
            full: ask for the whole state.
        """
        since = self._client.next_batch
        answer = await self._client.sync(
            timeout=int(wait * 1000), full_state=full, sync_filter=_FILTER
        )
        await self._fill(_good(answer), since)
        if self._client.should_upload_keys and not self._replaced:
            _good(await self._client.keys_upload())
        if self._client.should_query_keys:
            _good(await self._client.keys_query())
        if self._client.should_claim_keys:
            _good(await self._client.keys_claim(self._client.get_users_for_key_claiming()))
        await self._client.send_to_device_messages()

    async def _fill(self, answer: Any, since: str) -> None:
        """Pages back over what the homeserver left out of a sync (it gives 100 events at most)."""
        for room, told in answer.rooms.join.items():
            token = told.timeline.prev_batch if told.timeline.limited and since else None
            missed: list[Seen] = []
            while token:
                page = _good(await self._client.room_messages(room, token, since, limit=100))
                missed += [s for event in page.chunk for s in self._as_seen(room, event)]
                taken = [e for e in page.chunk if isinstance(e, RedactionEvent)]
                self.redacted += [e.redacts or room for e in taken]
                token = page.end if page.chunk else None
            known = {s.event_id for s in self.seen}
            self.seen[self._before(answer, room) :] = [
                *(s for s in missed[::-1] if s.event_id not in known),
                *self.seen[self._before(answer, room) :],
            ]

    def _before(self, answer: Any, room: str) -> int:
        """Where in what was seen the events of this sync's timeline begin."""
        fresh = {e.event_id for e in answer.rooms.join[room].timeline.events}
        places = [i for i, s in enumerate(self.seen) if s.event_id in fresh]
        return places[0] if places else len(self.seen)

    async def say_at_once(self, room: str, text: str) -> str:
        """Sends a text to whoever this client believes to be in the room, without asking."""
        content = {"msgtype": "m.text", "body": text}
        answer = await self._client.room_send(room, _TEXT, content, ignore_unverified_devices=True)
        return str(_good(answer).event_id)

    async def until(self, test: Callable[[], object], seconds: float = _PATIENCE) -> bool:
        """Catches up until something is so, or the time is over."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while not test() and loop.time() < end:
            await self.sync(wait=min(1.0, max(0.0, end - loop.time())))
        return bool(test())

    # --- what a person does -----------------------------------------------------------------

    async def make_room(self, invite: list[str], *, direct: bool = False) -> str:
        """Makes an encrypted room."""
        encryption = {"algorithm": "m.megolm.v1.aes-sha2"}
        state = [{"type": "m.room.encryption", "state_key": "", "content": encryption}]
        body = {
            "invite": invite,
            "is_direct": direct,
            "preset": "private_chat",
            "initial_state": state,
        }
        answer = await self.raw("POST", "/_matrix/client/v3/createRoom", body)
        await self.sync(full=True)
        return str(answer["room_id"])

    async def join(self, room: str) -> None:
        """Accepts an invitation. Raises: Refused."""
        _good(await self._client.join(room))
        await self.sync(full=True)

    async def leave(self, room: str) -> None:
        """Leaves. Raises: Refused."""
        _good(await self._client.room_leave(room))

    async def invite(self, room: str, user: str) -> None:
        """Asks somebody in. Raises: Refused."""
        _good(await self._client.room_invite(room, user))

    async def kick(self, room: str, user: str) -> None:
        """Puts somebody out. Raises: Refused."""
        _good(await self._client.room_kick(room, user))

    async def say(self, room: str, text: str, **more: Any) -> str:
        """Sends a text.

        Args:
            room: where.
            text: what.
            more: further fields of the content.

        Returns:
            The event's id.
        """
        return await self.send(room, {"msgtype": "m.text", "body": text, **more})

    async def reply(self, room: str, to: str, text: str) -> str:
        """Answers a message."""
        relation = {"m.in_reply_to": {"event_id": to}}
        return await self.say(room, text, **{"m.relates_to": relation})

    async def edit(self, room: str, event: str, text: str) -> str:
        """Replaces a text of this person's own."""
        fresh = {"msgtype": "m.text", "body": text}
        relation = {"rel_type": "m.replace", "event_id": event}
        more = {"m.new_content": fresh, "m.relates_to": relation}
        return await self.say(room, f"* {text}", **more)

    async def send(self, room: str, content: dict[str, Any], kind: str = _TEXT) -> str:
        """Sends an event to whoever is in the room now; encrypted, reactions excepted."""
        await self.sync()
        answer = await self._client.room_send(room, kind, content, ignore_unverified_devices=True)
        return str(_good(answer).event_id)

    async def send_file(self, room: str, name: str, data: bytes, caption: str | None = None) -> str:
        """Sends a file, encrypted."""
        answer, keys = await self._client.upload(
            lambda *_: io.BytesIO(data),
            content_type="application/octet-stream",
            filename="file",
            encrypt=True,
            filesize=len(data),
        )
        stored = {"url": _good(answer).content_uri, **keys}
        content: dict[str, Any] = {
            "msgtype": "m.file",
            "body": caption or name,
            "filename": name,
            "file": stored,
            "info": {"mimetype": "application/octet-stream", "size": len(data)},
        }
        return await self.send(room, content)

    async def redact(self, room: str, event: str) -> None:
        """Takes a message back. Raises: Refused."""
        _good(await self._client.room_redact(room, event))

    async def weaken(self, room: str, kind: str, content: dict[str, Any]) -> None:
        """Changes a setting. Raises: Refused."""
        _good(await self._client.room_put_state(room, kind, content))

    async def replace_keys(self) -> None:
        """Has this device speak with new keys, as after its store was lost."""
        store = self._client.store
        store.database.close()
        (self._folder / store.database_name).unlink()
        device, token = self._client.device_id, self._client.access_token
        await self._client.close()
        self._client = self._new_client()
        self._client.restore_login(self.user, device, token)
        keys = self._client.olm.share_keys()["device_keys"]
        await self.raw("POST", "/_matrix/client/v3/keys/upload", {"device_keys": keys})
        self._replaced = True  # its one-time keys would clash with the lost ones' names

    async def sign_out(self) -> None:
        """Ends this device for good."""
        _good(await self._client.logout())
        (self._folder / "login.json").unlink(missing_ok=True)

    # --- what a person sees -----------------------------------------------------------------

    def texts(self, room: str | None = None) -> list[str]:
        """What was said, without our account's marks, in the order in which it came."""
        return [s.said for s in self.seen if s.readable and room in (None, s.room)]

    def find(self, event: str) -> Seen | None:
        """An event as this person has it, in its last state."""
        found = [s for s in self.seen if s.event_id == event]
        return found[-1] if found else None

    def members(self, room: str) -> int:
        """How many are in a room or asked in, as this client knows."""
        known = self._client.rooms.get(room)
        return known.member_count if known else 0

    def holds_key(self, room: str, session: str) -> bool:
        """Whether this device has the key of a room's session, by which it could decrypt."""
        held = self._client.olm.inbound_group_store[room].values()
        return any(session in sessions for sessions in held)

    def rooms(self) -> set[str]:
        """Rooms that this client lists; it goes on listing one that it was put out of."""
        return set(self._client.rooms)

    async def joined(self) -> set[str]:
        """Rooms that this person is in, as the homeserver tells him."""
        return set((await self.raw("GET", "/_matrix/client/v3/joined_rooms"))["joined_rooms"])

    def invitations(self) -> set[str]:
        """Rooms that this person is asked into."""
        return set(self._client.invited_rooms)

    async def fetch(self, seen: Seen) -> bytes:
        """The bytes of a file that was sent, decrypted. Raises: Refused."""
        file = seen.content["file"]
        answer = _good(await self._client.download(file["url"]))
        return bytes(
            decrypt_attachment(answer.body, file["key"]["k"], file["hashes"]["sha256"], file["iv"])
        )

    async def history(self, room: str) -> list[Seen]:
        """All that this person can read back of a room, oldest first."""
        found: list[Seen] = []
        token = ""
        while True:
            answer = _good(await self._client.room_messages(room, token or None, limit=100))
            found += [s for event in answer.chunk for s in self._as_seen(room, event)]
            if not answer.chunk or not answer.end:
                return found[::-1]
            token = answer.end

    async def raw(
        self, method: str, path: str, body: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """A plain call: what the homeserver itself holds and says. Raises: Refused."""
        head = {"Authorization": f"Bearer {self.token}"}
        async with httpx.AsyncClient(trust_env=False, timeout=30.0) as http:
            answer = await http.request(method, self._url + path, json=body, headers=head)
        told: dict[str, Any] = answer.json()
        if not answer.is_success:
            raise Refused(str(told.get("errcode", answer.status_code)))
        return told

    async def opens(self, room: str, raw: dict[str, Any]) -> Seen | None:
        """What this device's keys make of an event whose bytes it was handed; None: nothing."""
        event = MegolmEvent.from_dict({**raw, "room_id": room})
        event.room_id = room
        try:
            found = self._as_seen(room, self._client.decrypt_event(event))
        except EncryptionError:
            return None
        return found[0] if found else None

    async def held_by_server(self, room: str, event: str) -> dict[str, Any]:
        """An event as the homeserver holds it. Raises: Refused."""
        place = f"rooms/{quote(room, safe='')}/event/{quote(event, safe='')}"
        return await self.raw("GET", f"/_matrix/client/v3/{place}")

    async def _note(self, room: MatrixRoom, event: Event) -> None:
        self.seen += self._as_seen(room.room_id, event)

    async def _note_redaction(self, room: MatrixRoom, event: RedactionEvent) -> None:
        self.redacted.append(event.redacts or room.room_id)

    def _as_seen(self, room: str, event: Any) -> list[Seen]:
        if isinstance(event, (MegolmEvent, UnknownEncryptedEvent)):
            return [Seen(room, event.event_id, event.sender, None, {})]
        content = event.source.get("content", {})
        if not isinstance(event, (RoomMessage, RoomEncryptedMedia)):
            return []
        return [Seen(room, event.event_id, event.sender, str(content.get("body", "")), content)]


def _good(answer: Any) -> Any:
    """Nio hands errors back in place of raising them. Raises: Refused."""
    if isinstance(answer, ErrorResponse):
        raise Refused(str(answer.status_code or answer.message))
    return answer
