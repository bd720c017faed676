"""`omniloket serve` without its rules of who sees what, for benchmarks/access.py: every field open, every row in scope.

It answers the same as the real server to whoever may see all that they ask for. Never for anything but made-up data.
"""

import sys
from pathlib import Path
from typing import Any

import schema.building
import schema.fields
from omniloket import logs, serving
from omniloket.reading_settings import read
from resolvers.context import Context
from sources.scope import EVERYTHING


def _open_everything() -> None:
    anything: Any = Context
    anything.scope = property(lambda _context: EVERYTHING)
    anything.refused_by_id = lambda _context, _type_name: None
    schema.building.put_guards = lambda _schema, _hidden=None: None
    schema.fields.value_for = lambda _declared, _record, _viewer, value: value


if __name__ == "__main__":
    _open_everything()
    config = Path(sys.argv[1])
    settings = read(config, host="127.0.0.1", port=0)
    logs.configure(settings.log_level)
    serving.serve(settings, config)
