"""Starts uvicorn: one way for `serve` and `demo`, in one process or several."""

import math
import os
from contextlib import suppress
from pathlib import Path

import uvicorn
from uvicorn.supervisors import Multiprocess

from omniloket.app import SETTINGS_FILE
from omniloket.http_heads import BoundedHeads
from omniloket.settings import Settings
from omniloket.socket_ends import GentleSockets

GRACE_SECONDS = 5
"""How long running requests may take after the server was told to stop, beside the time that sockets are given."""


def serve(settings: Settings, settings_file: Path | None) -> None:
    """Serves until it is told to stop. Worker processes read the same file and environment."""
    if settings_file is not None:
        os.environ[SETTINGS_FILE] = str(settings_file.absolute())
    config = uvicorn.Config(
        "omniloket.app:create",
        factory=True,
        host=settings.host,
        port=settings.port,
        workers=settings.workers,
        loop="uvloop",
        http=BoundedHeads,
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
    if settings.workers == 1:
        with suppress(KeyboardInterrupt):
            uvicorn.Server(config).run()
    else:
        _Workers(config, [config.bind_socket()]).run()


class _Workers(Multiprocess):
    """Several processes at one address."""

    def terminate_all(self) -> None:
        """While they stop, the address refuses clients at once: it must not take them in and let them wait."""
        for each in self.sockets:
            each.close()
        super().terminate_all()
