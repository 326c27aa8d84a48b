"""What the collector keeps on the disk while the database is away (see crm/part.py). The collector itself knows nothing of Django."""

import fcntl

from baton.crm.part import Part, Person
from baton.platform.config import config


class Spill(Part):
    """Hits that wait, and those the database refused, line by line. A file that is being delivered this moment is left: what he did comes as nobody's."""

    name = "spill"

    def erase(self, person: Person) -> None:
        folder = config().data_dir / "spill"
        marks = [value.casefold() for value in [*person.values, *person.cookies]]
        for path in [*folder.glob("*.jsonl"), *folder.glob("refused.lines")]:
            with path.open("r+b") as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    continue
                lines = file.readlines()
                left = [line for line in lines if not any(mark in line.decode("utf-8", "replace").casefold() for mark in marks)]
                if len(left) < len(lines):
                    file.seek(0)
                    file.truncate()
                    file.writelines(left)

    def anonymise(self, person: Person) -> None:
        self.erase(person)


PARTS: list[Part] = [Spill()]
