"""Starts uvicorn: one way for `serve` and `demo`, in one process or several."""

import math
import os
import socket
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import structlog
import uvicorn
from uvicorn.supervisors import Multiprocess

from omniloket.http_connection import BoundedConnection
from omniloket.settings import Settings
from omniloket.socket_ends import GentleSockets
from omniloket.variables import SETTINGS_FILE

log = structlog.get_logger("omniloket")

GRACE_SECONDS = 5
"""How long running requests may take after the server was told to stop, beside the time that sockets are given."""


class AddressTaken(Exception):
    """The address cannot be bound to; the message says which, and why."""


def listen(host: str, port: int) -> Sequence[socket.socket]:
    """Takes the port of every address of a host, before anything is told or opened; port 0 takes a free one.

    From now on clients wait until they are served. Raises AddressTaken.
    """
    taken: list[socket.socket] = []
    try:
        for family, _, _, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
            wanted = port_of(taken) if taken else port
            taken.append(_listening(family, (address[0], wanted, *address[2:])))
    except OSError as error:
        for each in taken:
            each.close()
        raise AddressTaken(f"{authority(host, port)}: {error.strerror}. Name another --port or --host.") from error
    return taken


def _listening(family: int, address: tuple[str | int, ...]) -> socket.socket:
    found = socket.socket(family, socket.SOCK_STREAM)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            found.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        found.bind(address)
        found.listen()
        found.set_inheritable(True)
    except OSError:
        found.close()
        raise
    return found


def port_of(sockets: Sequence[socket.socket]) -> int:
    """The port that was taken."""
    return sockets[0].getsockname()[1]


def authority(host: str, port: int) -> str:
    """Host and port as they stand in a URL (RFC 3986, section 3.2): an IPv6 address is in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def serve(settings: Settings, settings_file: Path | None, sockets: Sequence[socket.socket] = ()) -> None:
    """Serves until it is told to stop. Worker processes read the same file and environment.

    On `sockets`, or else at the address of the settings.
    """
    if settings_file is not None:
        os.environ[SETTINGS_FILE] = str(settings_file.absolute())
    config = uvicorn.Config(
        "omniloket.app:create",
        factory=True,
        host=settings.host,
        port=settings.port,
        workers=settings.workers,
        loop="uvloop",
        http=BoundedConnection,
        ws=GentleSockets,
        ws_per_message_deflate=False,
        ws_max_size=settings.live.max_message_bytes,
        # The protocol has its own, and a reason to close that clients come back after.
        ws_ping_interval=None,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies),
        # Addresses in an access log would hold the queries of GET requests.
        access_log=False,
        server_header=False,
        log_config=None,
        timeout_graceful_shutdown=GRACE_SECONDS + math.ceil(settings.live.drain_seconds),
    )
    if settings.workers > 1:
        _Workers(config, [*sockets] or [config.bind_socket()]).run()
        return
    with suppress(KeyboardInterrupt):
        if sockets:
            _Listening(config).run([*sockets])
        else:
            uvicorn.Server(config).run()


class _Listening(uvicorn.Server):
    """A server on sockets that listen already: it says itself where it runs, as others do."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        log.info(f"Omniloket running on http://{authority(self.config.host, port_of(sockets or []))}")


class _Workers(Multiprocess):
    """Several processes at one address."""

    def terminate_all(self) -> None:
        """While they stop, the address refuses clients at once: it must not take them in and let them wait."""
        for each in self.sockets:
            each.close()
        super().terminate_all()
