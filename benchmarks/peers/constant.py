"""The least that a request can cost on this ASGI server: the body is read, and the answer always the same.

.venv/bin/python benchmarks/peers/constant.py
"""

import running

_ANSWER = b'{"data":{"report":{"status":"RECEIVED","updatedAt":"2026-05-12T09:30:00Z"}}}'


async def _answer(_path: str, _body: bytes) -> bytes:
    return _ANSWER


if __name__ == "__main__":
    running.serve(_answer)
