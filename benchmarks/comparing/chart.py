"""The figures as a picture: a bar for each server, a panel for each query, in plain SVG."""

from html import escape

from comparing.figures import OMNILOKET, SERVERS, Figures

_WIDTH, _LABELS, _BAR, _GAP, _PANEL_GAP, _TOP = 900, 340, 18, 6, 44, 64
_LONGEST = _WIDTH - _LABELS - 90
_OURS, _OTHERS, _INK, _PAPER = "#1f5fbf", "#9aa7b8", "#1b1f24", "#ffffff"


def chart(figures: Figures, connections: int) -> str:
    """Server CPU of each request, in milliseconds, at a number of connections; each panel has a scale of its own."""
    height = _TOP + len(figures.queries) * (len(figures.servers) * (_BAR + _GAP) + _PANEL_GAP)
    size = f'viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}"'
    letters = f'font-family="Helvetica, Arial, sans-serif" font-size="13" fill="{_INK}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} {letters}>',
        f'<rect width="{_WIDTH}" height="{height}" fill="{_PAPER}"/>',
        f'<text x="20" y="30" font-size="17">Server CPU of one request, {connections} at a time (milliseconds)</text>',
    ]
    top = _TOP
    for query in figures.queries:
        lines += _panel(figures, query, connections, top)
        top += len(figures.servers) * (_BAR + _GAP) + _PANEL_GAP
    return "\n".join([*lines, "</svg>", ""])


def _panel(figures: Figures, query: str, connections: int, top: int) -> list[str]:
    spent = {server: figures.median((query, connections, server), "server_ms") for server in figures.servers}
    most = max(spent.values())
    lines = [f'<text x="20" y="{top + 4}" font-weight="bold">{escape(query)}</text>']
    for index, (server, ms) in enumerate(spent.items()):
        y = top + 14 + index * (_BAR + _GAP)
        length = max(1, round(_LONGEST * ms / most))
        colour = _OURS if server == OMNILOKET else _OTHERS
        lines += [
            f'<text x="{_LABELS - 10}" y="{y + 14}" text-anchor="end">{escape(SERVERS[server])}</text>',
            f'<rect x="{_LABELS}" y="{y}" width="{length}" height="{_BAR}" fill="{colour}"/>',
            f'<text x="{_LABELS + length + 8}" y="{y + 14}">{ms:.3g}</text>',
        ]
    return lines
