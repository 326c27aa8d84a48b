"""What was accepted while the database was away: append-only files, each line on the disk before its sender hears so."""

import fcntl
import os
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from baton.collector.packet import Packet
from baton.platform import logs

SEGMENT = 4 * 1024 * 1024  # bytes of one file
LIMIT = 512 * 1024 * 1024  # bytes of all files

log = logs.log(__name__)


class Full(Exception):
    """The spill folder holds as much as it may."""


class Spill:
    """The segment files of a folder. Several processes may share it: a file belongs to who holds its lock."""

    def __init__(self, folder: Path, limit: int = LIMIT) -> None:
        self.folder = folder
        self.limit = limit
        self._file: BinaryIO | None = None
        self._lock = threading.Lock()  # files are written in a thread, finished from another
        folder.mkdir(parents=True, exist_ok=True)
        self._size = sum(path.stat().st_size for path in self.segments())

    def segments(self) -> list[Path]:
        """The files, oldest first."""
        return sorted(self.folder.glob("*.jsonl"))

    def append(self, packets: Iterable[Packet]) -> None:
        """Keep the packets: returns when they are on the disk. Raises Full, or OSError; then none is promised."""
        data = b"".join(packet.dump() for packet in packets)
        with self._lock:
            if self._size + len(data) > self.limit:
                raise Full
            if self._file is None or self._file.tell() > SEGMENT:
                self._finish()
                self._file = (self.folder / f"{time.time_ns():020d}-{os.getpid()}.jsonl").open("ab")
                fcntl.flock(self._file, fcntl.LOCK_EX)
                _sync_folder(self.folder)
            try:
                self._file.write(data)
                self._file.flush()
                os.fsync(self._file.fileno())
            except OSError:
                self._finish()  # what was half written is read as a cut line
                raise
            self._size += len(data)

    def finish(self) -> bool:
        """Close the current file, so that it can be delivered; tells whether there is any file."""
        with self._lock:
            self._finish()
        return bool(self.segments())

    def _finish(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            file.close()

    @contextmanager
    def take(self, path: Path) -> Iterator[list[Packet] | None]:
        """The packets of a finished file, held by this process; None when another has it. Removed when the block ends well."""
        try:
            file = path.open("rb")
        except FileNotFoundError:
            yield None
            return
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield None
                return
            if not path.exists():
                yield None
                return
            yield list(_packets(file, path))
            size = path.stat().st_size
            path.unlink()
            self._size = max(0, self._size - size)

    def set_aside(self, packet: Packet) -> None:
        """Keep a packet that the database refuses, for a person to look at."""
        with (self.folder / "refused.lines").open("ab") as file:
            file.write(packet.dump())


def _packets(file: BinaryIO, path: Path) -> Iterator[Packet]:
    for line in file:
        try:
            yield Packet.load(line)
        except ValueError:
            log.warning("a line of a spill file was cut", file=path.name)  # killed while writing: its sender was never told it is kept


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
