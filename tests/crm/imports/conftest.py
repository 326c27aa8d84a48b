"""Small invented files, imported."""

from collections.abc import Callable
from typing import Any

import pytest

from baton.accounts.models import User
from baton.crm.imports import run, verbs
from baton.crm.models import Import
from baton.platform.actor import Actor

Doer = Callable[..., Import]


@pytest.fixture
def someone(account: object) -> Actor:
    user = User.objects.create_user("oh@nuriwork.example", name="오세린", role="admin")
    return Actor("user", user.pk)


@pytest.fixture
def upload(someone: Actor) -> Doer:
    """Upload a text in an encoding."""

    def do(text: str | bytes, *, encoding: str = "utf-8", name: str = "file.csv", type: str = "") -> Import:
        content = text if isinstance(text, bytes) else text.encode(encoding)
        return verbs.upload(name, [content[:7], content[7:]], actor=someone, object_type=type)

    return do


@pytest.fixture
def bring(upload: Doer, someone: Actor) -> Doer:
    """Upload, match as guessed (`to` says otherwise by header), and import."""

    def do(
        text: str | bytes, *, to: dict[str, str] | None = None, values: dict[str, dict[str, str]] | None = None, encoding: str = "utf-8",
        name: str = "file.csv", type: str = "", **options: Any,
    ) -> Import:  # fmt: skip
        row = upload(text, encoding=encoding, name=name, type=type)
        columns = [{**column, "to": (to or {}).get(header, column["to"])} for header, column in zip(row.headers, row.columns, strict=True)]
        for header, column in zip(row.headers, columns, strict=True):
            if header in (values or {}):
                column["values"] = (values or {})[header]
        verbs.match(row.pk, columns, {**row.options, **options}, actor=someone)
        verbs.start(row.pk, actor=someone)
        run.run(row.pk)
        row.refresh_from_db()
        return row

    return do
