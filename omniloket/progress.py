"""A progress bar on standard error, for work that takes long."""

from collections.abc import Callable, Generator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress, TimeElapsedColumn

_console = Console(stderr=True, highlight=False)


@contextmanager
def progress_bar(description: str, total: int | None = None) -> Generator[Callable[[int, int | None], None]]:
    """Shows how far something is; what it gives is told how much is done, and of how much, where that is known."""
    with Progress(*Progress.get_default_columns(), TimeElapsedColumn(), console=_console) as progress:
        task = progress.add_task(description, total=total)
        yield lambda done, of: progress.update(task, completed=done, total=of or None)
