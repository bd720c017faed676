"""The demo's own writer of changes never outlives the demo."""

import os

from sources.demo import live
from sources.sql.incidents import INCIDENT_STATUS
from sources.sql.servicemodule import KLANTCONTACT
from support.back_ends import Urls, rows_of, run


def test_a_writer_whose_demo_is_gone_before_it_begins_writes_nothing(sqlite_urls: Urls) -> None:
    someone_else = os.getpid()
    before = _counts(sqlite_urls)
    live.run(sqlite_urls, live.Pace(0.001, None, 1), someone_else)
    assert _counts(sqlite_urls) == before


def _counts(urls: Urls) -> tuple[int, int]:
    """Lines of reports' histories, and contacts: what the writer adds to."""
    changes = run(rows_of(urls["incidents"], INCIDENT_STATUS))
    return len(changes), len(run(rows_of(urls["servicemodule"], KLANTCONTACT)))
