"""The log: a JSON object a line, to standard error. It never holds a query, its variables, or personal data.

The level `debug` is for Omniloket's own lines. Libraries log statements with their parameters and messages with their
contents at that level, so theirs begin at `info`.
"""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from sources.sql.missing import missing

_CODE = re.compile(r"[0-9A-Z]{5}|SQLITE_[A-Z_]+")

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


def configure(level: str) -> None:
    """Sends structlog's lines and the standard library's to standard error, from a level on."""
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    structlog.configure(
        processors=[*shared, _cause, structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*shared, _foreign_cause],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, structlog.processors.JSONRenderer()],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    handler.addFilter(_tells_no_address)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(LEVELS[level], logging.INFO))


def _tells_no_address(record: logging.LogRecord) -> bool:
    """False for uvicorn's line about each new WebSocket: it shows the address, and with it what a client put there."""
    return not str(record.msg).startswith('%s - "WebSocket %s"')


def _foreign_cause(logger: object, method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The same for an exception that a library logs."""
    found = line.pop("exc_info", None)
    return _cause(logger, method, {**line, "error": found[1]} if isinstance(found, tuple) else line)


def _cause(_logger: object, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """An exception as the types in its chain and where they were raised: their texts may quote personal data.

    Of a database's also its code, and the name of a table or column that is not there.
    """
    error = line.pop("error", None)
    if not isinstance(error, BaseException):
        return line
    chain: list[str] = []
    each: BaseException | None = error
    while each is not None and len(chain) < 10:
        chain.append(f"{type(each).__module__}.{type(each).__qualname__}{_place(each)}{_of_database(each)}")
        each = each.__cause__ or each.__context__
    line["causes"] = chain
    return line


def _of_database(error: BaseException) -> str:
    """The SQLSTATE, which SQLite has a name for, and what is missing."""
    code: object = getattr(error, "sqlstate", None) or getattr(error, "sqlite_errorname", None)
    if not isinstance(code, str) or not _CODE.fullmatch(code):
        return ""
    name = missing(error)
    return f" ({code})" if name is None else f" ({code}: no {name})"


def _place(error: BaseException) -> str:
    trace = error.__traceback__
    if trace is None:
        return ""
    while trace.tb_next is not None:
        trace = trace.tb_next
    return f" at {trace.tb_frame.f_code.co_qualname}:{trace.tb_lineno}"
