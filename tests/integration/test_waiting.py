"""Who waits for connections of its own share keeps nobody else from waiting."""

import asyncio
import sqlite3
from pathlib import Path

import pytest

from sources.sql.connections import Connections, TooManyWaiting


async def test_who_waits_for_its_own_share_takes_no_place_of_others(tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / "one.db").execute("CREATE TABLE t (a INT)").connection.close()
    connections = Connections(f"sqlite+aiosqlite:///{tmp_path}/one.db", 4, most_waiting=4)
    held = [await connections.take(asker) for asker in ("greedy", "greedy", "greedy", "modest")]
    waiting = [asyncio.create_task(connections.take("greedy")) for _ in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(TooManyWaiting):
        await connections.take("greedy")
    others = [asyncio.create_task(connections.take(asker)) for asker in ("modest", "a", "b", "c")]
    await asyncio.sleep(0)
    assert connections.load.waiting == 7
    assert not any(each.done() for each in others)
    with pytest.raises(TooManyWaiting):
        await connections.take("d")
    for each in held:
        connections.give_back(each)
    for task in (*others, *waiting):
        connections.give_back(await task)
    assert connections.load.waiting == connections.load.busy == 0
    await connections.close()
