"""The page that the benchmarks write their figures into."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "benchmarks.md"
HELP = f"put the figures into {PAGE.relative_to(ROOT)}"
_END = "<!-- end of figures -->"


def tell(found: str, by: str, *, write: bool) -> None:
    """Prints the figures of the benchmark that is named; with `write`, the page has them in place of earlier ones."""
    print(found)
    if write:
        begin = f"<!-- figures: written by benchmarks/{by}.py -->"
        before, begun, rest = PAGE.read_text().partition(begin)
        if not begun:
            raise SystemExit(f"{PAGE} has no place for figures of benchmarks/{by}.py")
        PAGE.write_text(f"{before}{begin}\n\n{found}\n\n{_END}{rest.partition(_END)[2]}")
