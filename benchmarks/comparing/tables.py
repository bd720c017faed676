"""The figures as text: Markdown that reads well in a terminal too."""

from collections.abc import Iterable, Sequence

from comparing.figures import SERVERS, Cell, Figures

_COLUMNS = ("server CPU ms", "database CPU ms", "p50 ms", "p99 ms", "per s")
_ABOUT = {"Q1": "the citizen portal", "Q2": "the agent's screen", "Q3": "the thin channel"}


def tables(figures: Figures) -> str:
    """A table of ratios, and one of everything for each number of connections."""
    parts = [_ratios(figures), *(_everything(figures, connections) for connections in figures.connections)]
    return "\n\n".join(parts)


def _ratios(figures: Figures) -> str:
    head = [
        "server CPU, ratios",
        *(f"{query}, {n} at a time" for n in figures.connections for query in figures.queries),
    ]
    rows = [
        [
            f"{SERVERS[over]} / {SERVERS[under]}",
            *(f"{figures.ratio(query, n, over, under):.2f}" for n in figures.connections for query in figures.queries),
        ]
        for over, under in figures.ratios
    ]
    return table(head, rows, texts=1)


def _everything(figures: Figures, connections: int) -> str:
    head = [f"{connections} at a time" if connections > 1 else "one at a time", "", *_COLUMNS]
    rows = [
        [f"{query}, {_ABOUT[query]}", SERVERS[server], *_row(figures, (query, connections, server))]
        for query in figures.queries
        for server in figures.servers
    ]
    return table(head, rows, texts=2)


def _row(figures: Figures, cell: Cell) -> Iterable[str]:
    is_local = figures.rounds[cell][0].database_ms is not None
    yield f"{figures.median(cell, 'server_ms'):.3f}"
    yield f"{figures.median(cell, 'database_ms'):.3f}" if is_local else "-"
    yield f"{figures.median(cell, 'p50_ms'):.2f}"
    yield f"{figures.median(cell, 'p99_ms'):.2f}"
    yield f"{figures.median(cell, 'per_second'):.0f}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]], *, texts: int) -> str:
    """Columns of text to the left, then numbers to the right."""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    rule = ["-" * width if column < texts else "-" * (width - 1) + ":" for column, width in enumerate(widths)]
    return "\n".join(_line(row, widths, texts) for row in (head, rule, *rows))


def _line(row: Sequence[str], widths: Sequence[int], texts: int) -> str:
    cells = [
        text.ljust(width) if column < texts else text.rjust(width)
        for column, (text, width) in enumerate(zip(row, widths, strict=True))
    ]
    return f"| {' | '.join(cells)} |"
