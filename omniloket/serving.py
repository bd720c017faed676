"""Starts uvicorn: one way for `serve` and `demo`, in one process or several."""

import os
from pathlib import Path

import uvicorn

from omniloket.app import SETTINGS_FILE
from omniloket.http_heads import BoundedHeads
from omniloket.settings import Settings

GRACE_SECONDS = 5
"""How long running requests may take after the server was told to stop."""


def serve(settings: Settings, settings_file: Path | None) -> None:
    """Serves until it is told to stop. Worker processes read the same file and environment."""
    if settings_file is not None:
        os.environ[SETTINGS_FILE] = str(settings_file.resolve())
    uvicorn.run(
        "omniloket.app:create",
        factory=True,
        host=settings.host,
        port=settings.port,
        workers=settings.workers,
        loop="uvloop",
        http=BoundedHeads,
        ws="websockets-sansio",
        ws_max_size=settings.live.max_message_bytes,
        ws_ping_interval=settings.live.ping_seconds,
        ws_ping_timeout=settings.live.ping_seconds,
        # Addresses in an access log would hold the queries of GET requests.
        access_log=False,
        server_header=False,
        log_config=None,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
