"""The access log holds nobody up, and says what it leaves out."""

import asyncio
import threading
import time
from typing import Any

import orjson

from omniloket import access_log
from omniloket.access_log import MOST_WAITING, AccessLog, begin_request, current_request, request_id


def _lines(written: list[bytes]) -> list[Any]:
    return [orjson.loads(line) for line in b"".join(written).splitlines()]


def test_lines_are_written_in_their_order_and_the_last_ones_at_the_end() -> None:
    written: list[bytes] = []
    log = AccessLog(written.append)
    for number in range(100):
        log.add({"at": 1_700_000_000.25, "number": number})
    log.close()
    assert _lines(written) == [{"at": "2023-11-14T22:13:20.250000Z", "number": number} for number in range(100)]


def test_a_reader_that_is_stuck_holds_nobody_up_and_is_told_what_was_left_out() -> None:
    may_go_on, is_stuck = threading.Event(), threading.Event()
    written: list[bytes] = []

    def write(lines: bytes) -> None:
        is_stuck.set()
        may_go_on.wait(30)
        written.append(lines)

    log = AccessLog(write)
    log.add({"at": 0.0})
    assert is_stuck.wait(10)
    for _ in range(MOST_WAITING + 7):
        log.add({"at": 0.0})
    may_go_on.set()
    log.close()
    lines = _lines(written)
    assert len(lines) == 1 + MOST_WAITING + 1
    assert (lines[-1]["event"], lines[-1]["lines"]) == ("lines were left out", 7)


def test_closing_writes_all_that_waits_however_slow_the_reader(monkeypatch: Any) -> None:
    monkeypatch.setattr(access_log, "_CLOSING_SECONDS", 0.2)
    monkeypatch.setattr(access_log, "_WRITTEN_AT_ONCE", 10)
    written: list[bytes] = []

    def write(lines: bytes) -> None:
        time.sleep(0.05)
        written.append(lines)

    log = AccessLog(write)
    for _ in range(100):
        log.add({"at": 0.0})
    log.close()
    assert len(_lines(written)) == 100


def test_closing_does_not_wait_for_a_reader_that_is_stuck(monkeypatch: Any) -> None:
    monkeypatch.setattr(access_log, "_CLOSING_SECONDS", 0.05)
    is_stuck, may_go_on, has_gone_on = threading.Event(), threading.Event(), threading.Event()

    def write(_lines: bytes) -> None:
        is_stuck.set()
        may_go_on.wait(30)
        has_gone_on.set()

    log = AccessLog(write)
    log.add({"at": 0.0})
    assert is_stuck.wait(10)
    log.close()
    assert not has_gone_on.is_set()
    may_go_on.set()
    assert has_gone_on.wait(10)


async def test_each_task_has_an_id_of_its_own() -> None:
    async def asked() -> tuple[str | None, str, str, str | None]:
        return current_request(), begin_request(), request_id(), current_request()

    found = [await asyncio.create_task(asked()) for _ in range(100)]
    assert {before for before, *_ in found} == {None}
    assert all(begun == known == now for _, begun, known, now in found)
    assert len({begun for _, begun, *_ in found}) == 100
