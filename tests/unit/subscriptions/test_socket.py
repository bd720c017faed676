"""A socket by itself: operations that nobody of ours has, rights that end, peers that are gone, a server that stops."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
import strawberry
from starlette.websockets import WebSocket

from engine.executor import Executor
from engine.prepared import Prepared
from engine.responses import RequestRefused
from subscriptions.hub import Hub
from subscriptions.sharing import Sharing
from subscriptions.socket import SUBPROTOCOL, ConnectionRefused, SocketLimits, SocketProtocol
from subscriptions.streams import Streams
from subscriptions.terms import Common, Terms

MOST = 5
FOREVER = "subscription { forever }"
SCOPE = {"type": "websocket", "headers": [], "subprotocols": [SUBPROTOCOL]}


@strawberry.type
class Query:
    one: int = 1


@strawberry.type
class Mutation:
    @strawberry.mutation
    def double(self, number: int) -> int:
        return 2 * number


class Session:
    """Rights that a test ends. A ping may say "who"."""

    def __init__(self, ended: Callable[[], None]) -> None:
        self.end = ended
        self.is_closed = False

    async def make_context(self) -> object:
        return SimpleNamespace()

    def is_certain(self) -> bool:
        return True

    async def refresh(self, payload: Mapping[str, Any]) -> bool:
        if payload.get("who") == "another":
            raise ConnectionRefused
        return "who" in payload

    def close(self) -> None:
        self.is_closed = True


class World:
    """A protocol over a small schema, the sessions it has opened, and how many streams are open."""

    def __init__(self, limits: SocketLimits | None = None) -> None:
        self.sessions: list[Session] = []
        self.streams = 0
        world = self

        @strawberry.type
        class Subscription:
            @strawberry.subscription
            async def forever(self) -> AsyncGenerator[int, None]:
                world.streams += 1
                try:
                    yield 1
                    await asyncio.Event().wait()
                finally:
                    world.streams -= 1

        executor = Executor(strawberry.Schema(Query, Mutation, Subscription)._schema, encode_error=lambda _: ("", {}))
        terms = Terms(_nothing, lambda *_: Common("everybody", object), RuntimeError, RuntimeError, RuntimeError)
        streams = Streams(Sharing(executor, Hub({}).follow, terms))
        self.protocol = SocketProtocol(Operations(executor), streams, self._connect, limits)

    async def _connect(self, _websocket: WebSocket, payload: Mapping[str, Any], ended: Callable[[], None]) -> "Session":
        if "bug" in payload:
            raise ZeroDivisionError
        self.sessions.append(Session(ended))
        return self.sessions[-1]


async def _nothing(*_: object) -> None:
    """Nothing to do."""


@dataclass(frozen=True)
class Operations:
    """Nothing happens before an operation, nor after."""

    executor: Executor

    def prepare(self, query: str | None, document_id: str, operation_name: str | None, _context: object) -> Prepared:
        assert query is not None, document_id
        return self.executor.prepare(query, operation_name)

    async def before(self, prepared: Prepared, variables: Mapping[str, Any], context: object) -> None: ...

    async def execute(
        self, prepared: Prepared, variables: Mapping[str, Any], context: object, *, wants_cost: bool
    ) -> dict[str, Any]:
        assert not wants_cost
        return await self.executor.execute(prepared, variables, context)

    def refused(self, error: dict[str, Any]) -> None: ...


class Peer:
    """The other side of a socket."""

    def __init__(self, world: World) -> None:
        self._to_server: asyncio.Queue[Any] = asyncio.Queue()
        self._from_server: asyncio.Queue[Any] = asyncio.Queue()
        self._to_server.put_nowait({"type": "websocket.connect"})
        websocket = WebSocket(SCOPE, self._to_server.get, self._from_server.put)
        self.serving = asyncio.create_task(world.protocol.serve(websocket))

    def say(self, **message: Any) -> None:
        self._to_server.put_nowait({"type": "websocket.receive", "text": json.dumps(message)})

    async def hear(self) -> Any:
        """The next message, or the code with which the server closes."""
        heard = await asyncio.wait_for(self._from_server.get(), 10)
        while heard["type"] == "websocket.accept":
            heard = await asyncio.wait_for(self._from_server.get(), 10)
        return heard["code"] if heard["type"] == "websocket.close" else json.loads(heard["text"])

    async def follow(self) -> None:
        """Subscribes, to the first event."""
        self.say(id="f", type="subscribe", payload={"query": FOREVER})
        assert await self.hear() == {"id": "f", "type": "next", "payload": {"data": {"forever": 1}}}

    def leave(self) -> None:
        self._to_server.put_nowait({"type": "websocket.disconnect", "code": 1006})


@asynccontextmanager
async def connected(world: World) -> AsyncGenerator[Peer]:
    """A peer that has been acknowledged; it has gone at the end, if it was not sent away."""
    peer = Peer(world)
    peer.say(type="connection_init")
    assert await peer.hear() == {"type": "connection_ack"}
    yield peer
    peer.leave()
    await asyncio.wait_for(peer.serving, 10)


async def test_mutations_are_answered_too() -> None:
    async with connected(World()) as peer:
        peer.say(id="m", type="subscribe", payload={"query": "mutation { double(number: 21) }"})
        assert await peer.hear() == {"id": "m", "type": "next", "payload": {"data": {"double": 42}}}
        assert await peer.hear() == {"id": "m", "type": "complete"}


async def test_an_operation_ends_also_where_json_has_no_form_for_its_error(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()

    def refuse(*_: object) -> Any:
        raise RequestRefused([{"message": "too large a number", "extensions": {"price": 2**70}}])

    monkeypatch.setattr(world.protocol.operations.executor, "prepare", refuse)
    async with connected(world) as peer:
        peer.say(id="m", type="subscribe", payload={"query": "{ one }"})
        heard = await peer.hear()
        assert (heard["id"], heard["type"], len(heard["payload"])) == ("m", "error", 1)


async def test_a_stream_ends_down_to_its_source_when_it_is_completed_and_when_its_peer_goes() -> None:
    world = World()
    async with connected(world) as peer:
        await peer.follow()
        assert world.streams == 1
        peer.say(id="f", type="complete")
        peer.say(id="nobody", type="complete")
        await peer.follow()
        assert world.streams == 1
    assert world.streams == 0
    assert world.sessions[0].is_closed


async def test_rights_that_end_close_a_silent_socket() -> None:
    world = World()
    async with connected(world) as peer:
        await peer.follow()
        world.sessions[0].end()
        world.sessions[0].end()
        assert await peer.hear() == 4403
        await asyncio.wait_for(peer.serving, 10)
    assert world.streams == 0


async def test_a_ping_refreshes_rights_and_its_pong_does_not_repeat_them() -> None:
    async with connected(World()) as peer:
        peer.say(type="ping", payload={"who": "the same"})
        assert await peer.hear() == {"type": "pong"}
        peer.say(type="ping", payload={"a": 1})
        assert await peer.hear() == {"type": "pong", "payload": {"a": 1}}
        peer.say(type="ping", payload={"who": "another"})
        assert await peer.hear() == 4403


async def test_a_ping_before_the_acknowledgement_refreshes_nothing() -> None:
    peer = Peer(World())
    peer.say(type="ping", payload={"who": "another"})
    assert (await peer.hear())["type"] == "pong"
    peer.leave()
    await peer.serving


async def test_a_peer_that_answers_no_ping_is_sent_away() -> None:
    async with connected(World(SocketLimits(heartbeat_seconds=0.05))) as peer:
        for _ in range(3):
            assert await peer.hear() == {"type": "ping"}
            peer.say(type="pong")
        assert await peer.hear() == {"type": "ping"}
        assert await peer.hear() == 4499


async def test_whatever_a_peer_says_is_a_sign_of_life() -> None:
    async with connected(World(SocketLimits(heartbeat_seconds=0.05))) as peer:
        for number in range(3):
            assert await peer.hear() == {"type": "ping"}
            peer.say(id=str(number), type="complete")
        assert await peer.hear() == {"type": "ping"}


@pytest.mark.parametrize("messages_a_second", [64, 1])
async def test_who_sends_too_much_waits(messages_a_second: int) -> None:
    """Messages of four seconds are read without a pause. One as long as may be counts as 64; none is lost."""
    message = {"type": "ping", "payload": {"x": "y" * 2_000}}
    limits = SocketLimits(messages_per_second=64, message_bytes=len(json.dumps(message)) * messages_a_second)
    clock = asyncio.get_running_loop().time
    peer, began = Peer(World(limits)), clock()
    for _ in range(5 * messages_a_second):
        peer.say(**message)
    for _ in range(5 * messages_a_second):
        assert (await peer.hear())["payload"] == message["payload"]
    assert clock() - began >= 1
    peer.leave()
    await peer.serving


async def test_operations_that_come_at_once_begin_one_in_a_turn_of_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """To begin may be to parse and validate a document: others have their turn in between."""
    turn, begun = 0, Counter[int]()
    prepare = Operations.prepare

    def counted(self: Operations, *given: Any) -> Prepared:
        begun[turn] += 1
        return prepare(self, *given)

    async def count_turns() -> None:
        nonlocal turn
        while True:
            turn += 1
            await asyncio.sleep(0)

    monkeypatch.setattr(Operations, "prepare", counted)
    async with connected(World()) as peer:
        counting = asyncio.create_task(count_turns())
        for number in range(50):
            peer.say(id=str(number), type="subscribe", payload={"query": "{ one }"})
        for _ in range(2 * 50):
            await peer.hear()
        counting.cancel()
    assert sum(begun.values()) == 50
    assert max(begun.values()) == 1


async def test_who_is_made_to_wait_is_not_taken_for_dead() -> None:
    message = {"type": "ping", "payload": {"x": "y" * 1_000}}
    limits = SocketLimits(
        heartbeat_seconds=0.1,
        messages_per_second=64,
        message_bytes=len(json.dumps(message)),
    )
    peer = Peer(World(limits))
    peer.say(type="connection_init")
    for _ in range(5):
        peer.say(**message)
    heard = [await peer.hear() for _ in range(6)]
    while sum(each["type"] == "pong" for each in heard) < 5:
        heard.append(await peer.hear())
    assert {"type": "ping"} in heard
    peer.leave()
    await peer.serving


async def test_a_fault_of_ours_closes_with_4500() -> None:
    peer = Peer(World())
    peer.say(type="connection_init", payload={"bug": True})
    assert await peer.hear() == 4500
    with pytest.raises(ZeroDivisionError):
        await peer.serving


async def test_a_server_that_stops_closes_its_sockets_one_after_another() -> None:
    world = World()
    async with connected(world) as one, connected(world) as two, connected(world) as three:
        world.protocol.drain(3600)
        heard = [asyncio.create_task(peer.hear()) for peer in (one, two, three)]
        done, waiting = await asyncio.wait(heard, timeout=0.5)
        assert [task.result() for task in done] == [1012]
        assert len(waiting) == 2
        world.protocol.drain(0)
        assert [await task for task in waiting] == [1012, 1012]


async def test_answers_that_nobody_reads_do_not_pile_up() -> None:
    heard = 0

    async def messages() -> AsyncIterator[dict[str, Any]]:
        nonlocal heard
        yield {"type": "websocket.connect"}
        yield {"type": "websocket.receive", "text": '{"type": "connection_init"}'}
        for heard in range(1000):
            asked = {"id": str(heard), "type": "subscribe", "payload": {"query": "{ nonsense }"}}
            yield {"type": "websocket.receive", "text": json.dumps(asked)}
            await asyncio.sleep(0)

    async def send(message: Any) -> None:
        if "error" in message.get("text", ""):
            await asyncio.Event().wait()

    receive = messages().__aiter__().__anext__
    protocol = World(SocketLimits(operations=MOST)).protocol
    serving = asyncio.create_task(protocol.serve(WebSocket(SCOPE, receive, send)))
    for _ in range(10_000):
        await asyncio.sleep(0)
    assert not serving.done()
    assert heard <= MOST + 1
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)


async def test_a_peer_that_reads_nothing_does_not_outstay_its_rights() -> None:
    world = World()

    async def send(message: Any) -> None:
        if message["type"] != "websocket.accept" and "connection_ack" not in message.get("text", ""):
            await asyncio.Event().wait()

    said: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    said.put_nowait({"type": "websocket.connect"})
    for message in ({"type": "connection_init"}, {"type": "ping"}):
        said.put_nowait({"type": "websocket.receive", "text": json.dumps(message)})
    serving = asyncio.create_task(world.protocol.serve(WebSocket(SCOPE, said.get, send)))
    while not world.sessions:
        await asyncio.sleep(0)
    world.sessions[0].end()
    await asyncio.wait_for(serving, 10)
