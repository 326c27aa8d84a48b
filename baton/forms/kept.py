"""Answers that came while the database was away, or that met an error of ours: on the disk until they are taken."""

import json
import os
import shutil
import uuid
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.db import InterfaceError, OperationalError

from baton.forms import receive, spam, submissions, verbs
from baton.forms.fields import Upload
from baton.forms.spam import Evidence
from baton.platform import clock, logs
from baton.platform.config import config
from baton.platform.errors import DomainError

MOST = 100_000  # files: beyond that a sender gets an error, and can send again
ROOM = 256 * 2**20  # bytes of the disk that are left to others
ABANDONED = timedelta(minutes=10)  # after which a file that a worker took is taken for a killed worker's

log = logs.log(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """What `receive.take` needs, as plain JSON. The values are not checked yet: that needs the form."""

    guid: str
    values: Mapping[str, Any]
    about: Mapping[str, Any]  # what `submissions.submit` takes beside the values
    files: Mapping[str, list[str]]  # by field: name, content in base64
    evidence: Mapping[str, Any] | None  # None: of a program that vouches for it
    at: str  # ISO


def folder() -> Path:
    return config().data_dir / "kept_answers"


def keep(guid: str, values: Mapping[str, Any], evidence: Evidence | None = None, *, uploads: Mapping[str, Upload] | None = None, **about: Any) -> bool:
    """Write an answer to the disk; True when it is safe there. `about`: what `submissions.submit` takes beside the values."""
    where = folder()
    files = {field: [one.name, b64encode(one.content).decode()] for field, one in (uploads or {}).items()}
    signs = asdict(evidence) | {word: spam.network(getattr(evidence, word)).partition("/")[0] for word in ("address", "through")} if evidence else None
    answer = Answer(guid, dict(values), {k: v for k, v in about.items() if k != "at"}, files, signs, (about.get("at") or clock.now()).isoformat())
    try:
        where.mkdir(parents=True, exist_ok=True)
        if len(os.listdir(where)) >= MOST or shutil.disk_usage(where).free < ROOM:
            return False
        path = where / f"{clock.now():%Y%m%d%H%M%S}-{uuid.uuid4().hex}.json"
        with path.with_suffix(".part").open("w") as file:
            json.dump(asdict(answer), file)
            file.flush()
            os.fsync(file.fileno())
        path.with_suffix(".part").rename(path)
    except OSError:
        log.exception("an answer could not be kept")
        return False
    log.warning("an answer was kept on the disk", form=guid)
    return True


def deliver() -> int:
    """Take what was kept, oldest first; returns how many. An answer that cannot be taken is set aside as `.refused`."""
    taken = 0
    for path in sorted(folder().glob("*.json")):
        mine = path.with_suffix(".taken")
        try:
            path.rename(mine)  # one worker takes it
            os.utime(mine, (clock.now().timestamp(),) * 2)  # now: `put_back` of another worker leaves it alone
            _take(Answer(**json.loads(mine.read_text())), path.stem)
        except FileNotFoundError:
            continue
        except DomainError as error:
            log.error("a kept answer does not fit its form", file=path.name, error=str(error))
            mine.rename(path.with_suffix(".refused"))
        except (OperationalError, InterfaceError):
            mine.rename(path)
            break  # still away
        except Exception:
            log.exception("a kept answer cannot be taken", file=path.name)
            mine.rename(path.with_suffix(".refused"))
        else:
            mine.unlink()
            taken += 1
    return taken


def _take(answer: Answer, key: str) -> None:
    form = verbs.by_guid(answer.guid, archived=True)
    uploads = {field: Upload(name, b64decode(content)) for field, (name, content) in answer.files.items()}
    about = {**answer.about, "at": datetime.fromisoformat(answer.at), "key": key, "uploads": uploads}
    if answer.evidence is None:
        submissions.submit(form, answer.values, **about)
    else:
        receive.take(form, answer.values, Evidence(**{**answer.evidence, "late": True}), **about)


def put_back() -> None:
    """What a killed worker had taken and not finished is taken again."""
    for mine in folder().glob("*.taken"):
        if clock.now().timestamp() - mine.stat().st_mtime > ABANDONED.total_seconds():
            mine.rename(mine.with_suffix(".json"))


def refused() -> int:
    """How many were set aside: somebody has to look at them."""
    return sum(1 for _ in folder().glob("*.refused"))
