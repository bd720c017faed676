"""Processor time as the operating system counts it."""

from contextlib import suppress
from pathlib import Path

import psutil


def of_process(process: psutil.Process) -> float:
    """Seconds that a process has used, user and system, over all its threads.

    On Linux from the scheduler, in nanoseconds; elsewhere in the clock's ticks.
    """
    schedules = list(Path(f"/proc/{process.pid}/task").glob("*/schedstat"))
    if schedules:
        return sum(int(each.read_text().split()[0]) for each in schedules) / 1e9
    times = process.cpu_times()
    return times.user + times.system


def of_family(process: psutil.Process) -> float:
    """Seconds that a process and its children have used, those that have ended among them."""
    ended = process.cpu_times()
    total = of_process(process) + ended.children_user + ended.children_system
    for child in process.children():
        with suppress(psutil.NoSuchProcess, FileNotFoundError, ProcessLookupError):
            total += of_process(child)
    return total
