"""Garbage collection in a process that serves: what lives as long as the process is never looked through again.

An answer makes thousands of objects and few cycles, so that collecting often finds nothing. Measured on the agent's
screen, in-process on PostgreSQL, in ms of CPU a request: Python's own settings 9.5, frozen after the start 8.6, and
with thresholds of 5,000, 20,000 and 50,000 besides 8.0, 7.5 and 7.2.

Documents that are forgotten are cycles, which only the oldest generation's collection takes away. Over 12,000 distinct
ones the process grew by 25 MiB after the first 2,000 with every fifth collection of the middle generation going on to
the oldest, and by 350 MiB with every fiftieth. Since then they are no cycles any more (engine/parsing.py).

A collection holds up all requests. Of the middle generation, with 20 of the youngest in it, it took up to 60 ms beside
the largest answers (benchmarks/holding.py); with 5 of them, up to 20 ms, at the same processor time.
"""

import gc

THRESHOLDS = (20_000, 5, 20)
"""Objects until the youngest generation is looked through, and how often that is until the next one is."""


def settle() -> None:
    """To be called when everything that lasts has been made."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
