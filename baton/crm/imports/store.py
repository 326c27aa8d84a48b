"""The bytes of files on their way in and out: pieces in the database, so that web and worker need no common disk and one backup has everything."""

import io
from collections.abc import Iterable, Iterator

from baton.platform import sql

PIECE = 1 << 20  # bytes
TABLES = {"import": "import_part", "export": "export_part"}


def write(kind: str, id: int, chunks: Iterable[bytes], *, limit: int | None = None) -> int:
    """Keep the bytes of an import or export; returns how many. Stops with ValueError when there are more than `limit`."""
    size, number, rest = 0, 0, bytearray()
    for chunk in chunks:
        size += len(chunk)
        if limit is not None and size > limit:
            raise ValueError(limit)
        rest += chunk
        while len(rest) >= PIECE:
            _put(kind, id, number, bytes(rest[:PIECE]))
            number += 1
            del rest[:PIECE]
    if rest or not number:
        _put(kind, id, number, bytes(rest))
    return size


def _put(kind: str, id: int, number: int, content: bytes) -> None:
    sql.run(f"INSERT INTO {TABLES[kind]} ({kind}_id, number, content) VALUES (%s, %s, %s)", [id, number, content])


def pieces(kind: str, id: int) -> Iterator[bytes]:
    """The bytes again, piece by piece."""
    number = 0
    while found := sql.rows(f"SELECT content FROM {TABLES[kind]} WHERE {kind}_id = %s AND number = %s", [id, number]):
        yield bytes(found[0][0])
        number += 1


def drop(kind: str, id: int) -> None:
    """Throw the bytes away."""
    sql.run(f"DELETE FROM {TABLES[kind]} WHERE {kind}_id = %s", [id])


def open(kind: str, id: int, *, whole: bool = False) -> io.BufferedIOBase:
    """The file to read; `whole` puts it into memory, for formats that jump about."""
    if whole:
        return io.BytesIO(b"".join(pieces(kind, id)))
    return io.BufferedReader(_Pieces(kind, id), PIECE)


class _Pieces(io.RawIOBase):
    """Reads one piece after the other; can go back to the beginning."""

    def __init__(self, kind: str, id: int) -> None:
        self._kind, self._id = kind, id
        self._rest, self._found = memoryview(b""), pieces(kind, id)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0, /) -> int:
        if offset or whence:
            raise io.UnsupportedOperation("only back to the beginning")
        self._rest, self._found = memoryview(b""), pieces(self._kind, self._id)
        return 0

    def readinto(self, buffer: object, /) -> int:
        target = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        if not self._rest:
            self._rest = memoryview(next(self._found, b""))
        count = min(len(target), len(self._rest))
        target[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count
