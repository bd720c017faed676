"""The demo's own writer of changes never outlives the demo."""

import os

from sources.demo import live
from support.back_ends import Urls


def test_a_writer_whose_demo_is_gone_before_it_begins_writes_nothing(sqlite_urls: Urls) -> None:
    someone_else = os.getpid()
    live.run(sqlite_urls, live.Pace(3600, None, 1), someone_else)
