"""A family of Loop clients: an owner who registers and makes a room, guests who join it, say how they are, and leave.

One step at a time, each posted once. Where a reply leaves open whether the input was taken, the post says so; the
family then begins again with a new owner. Source: contracts 2.2 to 2.6.
"""

import base64
from collections.abc import Awaitable, Callable, Mapping
from random import Random
from typing import Any, Final

import httpx

from ingest.keys import Keys
from ingest.loop.users import credentials_of
from roomstate.chaos.sending import Sender
from roomstate.chaos.witness import Answer, Post, Told, Witness
from roomstate.replaying.loop_clients import HawkUser
from roomstate.simulation.client_rule import OWN_CONNECTED, PEER_STREAM, PUBLISHED, ClientRule

_ROOM_SIZE: Final = 3
_LIFE_STEPS: Final = 120
"""After so many steps the family makes a new start."""
_ONLY_DECIDED: Final = frozenset({202, 121})
"""errno of refusals that only a decision gives: the room is full, the client has no capacity."""
_DECIDED_OR_NOT: Final = frozenset({401, 404, 410})
_EITHER_ERRNO: Final = frozenset({203})
"""Not in the room: said at the door, or decided."""


class LoopFamily:
    """Acts once when asked to."""

    def __init__(
        self, sender: Sender, witness: Witness, random: Random, keys: Keys, *, is_log_ever_in_doubt: bool
    ) -> None:
        """Shape: the contract's 503 has no words for a log that does not know whether it has it, as Kafka may."""
        self._is_log_ever_in_doubt = is_log_ever_in_doubt
        self._sender = sender
        self._witness = witness
        self._random = random
        self._keys = keys
        self._owner: HawkUser | None = None
        self._room = ""
        self._guests: list[str] = []
        """Session tokens."""
        self._rule = ClientRule()
        self._steps = 0

    async def act(self) -> None:
        """Do one thing."""
        self._steps += 1
        if self._owner is None:
            await self._register()
        elif not self._room:
            await self._create_room(self._owner)
        elif self._steps > _LIFE_STEPS:
            await self._delete_room(self._owner)
        elif not self._guests:
            await self._join()
        else:
            await self._act_inside()

    async def _register(self) -> None:
        post = self._witness.post("register")
        reply = await self._send(post, self._sender.request("POST", f"{self._sender.url()}/registration", {}, {}))
        if reply is None or not self._is_done(post, reply, ("user_registered",)):
            return
        token = reply.headers["Hawk-Session-Token"]
        self._witness.rename(post, f"user {self._keys.user_hash(credentials_of(token).hawk_id)}")
        self._owner, self._steps = HawkUser(self._sender.http, token), 0

    async def _create_room(self, owner: HawkUser) -> None:
        post = self._witness.post("room_create")
        body = {"roomName": post.mark, "roomOwner": "chaos", "maxSize": _ROOM_SIZE}
        reply = await self._send(post, owner.signed("POST", f"{self._sender.url()}/rooms", body))
        if reply is not None and self._is_done(post, reply, ("room_created",)):
            self._room = reply.json()["roomToken"]
        else:
            self._owner = None

    async def _rename_room(self) -> None:
        if self._owner is not None:
            post = self._witness.post("room_update")
            url = f"{self._sender.url()}/rooms/{self._room}"
            reply = await self._send(post, self._owner.signed("PATCH", url, {"roomName": post.mark}))
            if reply is not None:
                self._is_done(post, reply, ("room_updated",))

    async def _delete_room(self, owner: HawkUser) -> None:
        post = self._witness.post("room_delete", f"delete {self._room}")
        rooms = f"{self._sender.url()}/rooms"
        request = self._random.choice(
            (
                owner.signed("DELETE", f"{rooms}/{self._room}"),
                owner.signed("PATCH", rooms, {"deleteRoomTokens": [self._room]}),
            )
        )
        reply = await self._send(post, request)
        if reply is not None:
            self._is_done(post, reply, ("room_deleted",))
        self._owner, self._room, self._guests = None, "", []

    async def _join(self) -> None:
        post = self._witness.post("open")
        headers = {"User-Agent": post.mark}
        if self._guests and self._random.random() < 0.2:
            headers |= _basic(self._random.choice(self._guests))
        reply = await self._act_in_room(post, headers, {"action": "join", "displayName": "guest", "clientMaxSize": 3})
        if reply is not None and self._is_done(post, reply, ("session_opened", "session_refreshed")):
            self._guests.append(reply.json()["sessionToken"])

    async def _act_inside(self) -> None:
        deeds: dict[Callable[[], Awaitable[None]], int] = {
            self._post_status: 60,
            self._join: 12,
            self._refresh: 12,
            self._leave: 10,
            self._log_domain: 4,
            self._rename_room: 4,
            self._post_wrong: 4,
        }
        (deed,) = self._random.choices(tuple(deeds), tuple(deeds.values()))
        await deed()

    async def _post_status(self) -> None:
        declared = self._rule.after(self._random.choice((OWN_CONNECTED, PUBLISHED, PEER_STREAM)))
        body = {
            "action": "status",
            "event": declared.event,
            "state": declared.state,
            "connections": declared.connections,
            "sendStreams": declared.send_streams,
            "recvStreams": declared.recv_streams,
        }
        await self._act_as_guest("status", body, ("status_judged",))

    async def _log_domain(self) -> None:
        body = {"action": "logDomain", "domains": [{"domain": "example.org", "count": 2}]}
        await self._act_as_guest("log_domains", body, ("domains_logged", "ignored"))

    async def _refresh(self) -> None:
        await self._act_as_guest("refresh", {"action": "refresh"}, ("session_refreshed",), waits=True)

    async def _leave(self) -> None:
        await self._act_as_guest("close", {"action": "leave"}, ("session_closed",), waits=True)

    async def _post_wrong(self) -> None:
        await self._act_as_guest("status", {"action": "status", "event": "x"}, ())

    async def _act_as_guest(
        self, kind: str, body: Mapping[str, Any], facts: tuple[str, ...], *, waits: bool = False
    ) -> None:
        token = self._random.choice(self._guests)
        post = self._witness.post(kind)
        reply = await self._act_in_room(post, {"User-Agent": post.mark, **_basic(token)}, body)
        if reply is None:
            return
        self._is_done(post, reply, facts, waits=waits)
        is_gone = reply.status_code in _DECIDED_OR_NOT or post.kind == "close"
        if is_gone and token in self._guests:
            self._guests.remove(token)

    async def _act_in_room(
        self, post: Post, headers: Mapping[str, str], body: Mapping[str, Any]
    ) -> httpx.Response | None:
        url = f"{self._sender.url()}/rooms/{self._room}"
        return await self._send(post, self._sender.request("POST", url, headers, body))

    async def _send(self, post: Post, request: httpx.Request) -> httpx.Response | None:
        return await self._sender.sent(request, [post])

    def _is_done(self, post: Post, reply: httpx.Response, facts: tuple[str, ...], *, waits: bool = True) -> bool:
        """Note the reply; return whether it is a 2xx. `facts` are those that a 2xx may stand for."""
        text = f"{reply.status_code} {reply.text[:100]}"
        if reply.is_success:
            post.answered(Answer.ACCEPTED, text, Told(facts))
        else:
            post.answered(*_refusal(reply, text, waits=waits, is_open=waits or self._is_log_ever_in_doubt))
        return reply.is_success


def _refusal(reply: httpx.Response, text: str, *, waits: bool, is_open: bool) -> tuple[Answer, str, Told | None]:
    code = reply.status_code
    if code >= httpx.codes.INTERNAL_SERVER_ERROR:
        is_not_taken = code == httpx.codes.SERVICE_UNAVAILABLE and not is_open
        return (Answer.NOT_TAKEN if is_not_taken else Answer.UNDECIDED), text, None
    errno = reply.json().get("errno", 0) if code != httpx.codes.NOT_ACCEPTABLE else 0
    if errno in _ONLY_DECIDED:
        return Answer.ACCEPTED, text, Told(("open_refused",))
    if waits and (code in _DECIDED_OR_NOT or errno in _EITHER_ERRNO):
        return Answer.UNDECIDED, text, None
    return Answer.REFUSED, text, None


def _basic(token: str) -> dict[str, str]:
    return {"Authorization": f"Basic {base64.b64encode(token.encode()).decode()}"}
