"""The real server, in a process of its own."""

import base64
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from omniloket.identity import make_key, make_token
from resolvers.context import Viewer
from sources.records import Role
from support.back_ends import Urls

OMNILOKET = Path(sys.executable).with_name("omniloket")
_RUNNING = re.compile(r"running on http://127\.0\.0\.1:(\d+)")


GENEROUS = {
    **{f"OMNILOKET_COST__{each}": "1000000000" for each in ("BURST", "PER_SECOND")},
    **{f"OMNILOKET_COST__ADDRESS_{each}": "1000000000" for each in ("BURST", "PER_SECOND")},
    "OMNILOKET_LIVE__CONNECTIONS_PER_PRINCIPAL": "10000",
}


@dataclass(frozen=True)
class Server:
    """A server that answers. `log` is the file that it writes its log to."""

    port: int
    process: subprocess.Popen[bytes]
    log: Path
    key: bytes

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/graphql"

    @property
    def socket_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/graphql"

    @property
    def agent(self) -> str:
        return self.token(Viewer(Role.AGENT, "agent", unit="PL1700", clearance=True))

    def citizen(self, bsn: str) -> str:
        return self.token(Viewer(Role.CITIZEN, "citizen", bsn=bsn))

    def token(self, viewer: Viewer, *, valid_seconds: int = 3600) -> str:
        return make_token(self.key, viewer, valid_seconds=valid_seconds)


@contextmanager
def serving(urls: Urls, directory: Path, *arguments: str, **environment: str) -> Iterator[Server]:
    """`omniloket serve` over some databases, on a free port.

    It links nothing and lets one client ask as much as many, unless the environment says so.
    """
    config = settings_file(urls, directory)
    command = [str(OMNILOKET), "serve", "--config", str(config), "--port", "0", *arguments]
    with running(command, directory / "server.log", GENEROUS | environment) as (process, port):
        yield Server(port, process, directory / "server.log", make_key(directory / "development.key"))


def settings_file(urls: Urls, directory: Path) -> Path:
    """The settings of a server over some databases, with its keys: for their owner only, as they should be."""
    make_key(directory / "development.key")
    config = directory / "omniloket.toml"
    config.touch(mode=0o600)
    config.write_text(_config(urls, directory))
    return config


@contextmanager
def running(
    command: list[str], log: Path, environment: Mapping[str, str] | None = None
) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A command that serves, until it says on which port; ended at the end, and its log kept."""
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, stdout=out, stderr=subprocess.STDOUT, env={**os.environ, **(environment or {})}, cwd=log.parent
        )
    try:
        yield process, _port(process, log)
    finally:
        stop(process)


def stop(process: subprocess.Popen[bytes]) -> int:
    """Ends a process as an operator would, and gives its exit code."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
    return process.returncode


def _port(process: subprocess.Popen[bytes], log: Path) -> int:
    for _ in range(600):
        found = _RUNNING.search(log.read_text())
        if found:
            return int(found.group(1))
        if process.poll() is not None:
            break
        time.sleep(0.1)
    raise AssertionError(f"the server did not start:\n{log.read_text()}")


def _config(urls: Urls, directory: Path) -> str:
    keys = {key_id: base64.b64encode(bytes(range(start, start + 64))).decode() for key_id, start in ((1, 0), (2, 64))}
    lines = [
        f'development_key_file = "{directory / "development.key"}"',
        "",
        "[live]",
        "poll_seconds = 0.2",
        "",
        "[linking]",
        "run = false",
    ]
    lines += ["", "[sealing]", "current = 2", f"keys = {{ 1 = {json.dumps(keys[1])}, 2 = {json.dumps(keys[2])} }}"]
    for name, url in urls.items():
        lines += ["", f"[sources.{name}]", f"url = {json.dumps(url)}"]
    return "\n".join(lines) + "\n"
