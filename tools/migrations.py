"""Fails when models and migrations differ, and when a migration imports from the product."""

import re
import sys

from tools import project
from tools.project import PACKAGE


def main() -> int:
    project.ready()
    from django.core.management import CommandError, call_command

    faults = 0
    try:
        call_command("makemigrations", check=True, dry_run=True, verbosity=1)
    except (SystemExit, CommandError):
        print("models and migrations differ: python manage.py makemigrations APP -n what_it_does")
        faults += 1
    for path in sorted(PACKAGE.glob("*/migrations/0*.py")):
        if re.search(r"^(from|import) baton", path.read_text(), re.M):
            print(f"{path.relative_to(PACKAGE.parent)}: a migration must not import the product, which will change")
            faults += 1
    return faults


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
