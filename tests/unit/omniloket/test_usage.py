"""Recorded use: what a process writes down, and when it begins anew."""

import shutil
from pathlib import Path

import pytest

from engine.executor import Executor
from omniloket.usage import Usage, recorded
from schema.building import executable

EXECUTOR = Executor(executable(), encode_error=lambda error: (str(error), {}))


def use(usage: Usage, query: str) -> None:
    usage.count(EXECUTOR.prepare(query), {}, None)
    usage.write()


def found(directory: Path) -> dict[str, int]:
    return {name: counts.total() for name, counts in recorded(directory).counts.items()}


@pytest.mark.parametrize("is_whole", [False, True], ids=["the file", "the directory"])
def test_what_is_removed_begins_anew(tmp_path: Path, *, is_whole: bool) -> None:
    directory = tmp_path / "usage"
    usage = Usage(directory)
    use(usage, "{ viewer { role } }")
    use(usage, "{ viewer { role } }")
    assert found(directory) == {"Query.viewer": 2, "Viewer.role": 2}
    began = recorded(directory).since
    if is_whole:
        shutil.rmtree(directory)
    else:
        for file in directory.iterdir():
            file.unlink()
    use(usage, "{ viewer { role } channels { code } }")
    assert found(directory) == {"Query.viewer": 1, "Viewer.role": 1, "Query.channels": 1, "Channel.code": 1}
    since = recorded(directory).since
    assert began is not None
    assert since is not None
    assert since > began
