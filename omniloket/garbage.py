"""Garbage collection in a process that serves: what lives as long as the process is never looked through again.

An answer makes thousands of objects and few cycles, so that collecting often finds nothing. Measured on the agent's
screen, in-process on PostgreSQL, in ms of CPU a request: Python's own settings 9.5, frozen after the start 8.6, and
with thresholds of 5,000, 20,000 and 50,000 besides 8.0, 7.5 and 7.2.

Documents that are forgotten leave without it: as cycles, which graphql-core's parser makes them and engine/parsing.py
does not, they are taken away by a collection of the oldest generation only. Over 12,000 distinct ones the process grew
by 350 MiB with every fiftieth collection of the middle generation going on to the oldest, by 25 MiB with every fifth.

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
