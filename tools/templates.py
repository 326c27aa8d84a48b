"""Compiles every template, so that a broken one fails the check and not a user."""

import sys

from tools import project
from tools.project import PACKAGE


def main() -> int:
    project.ready()
    from django.template import TemplateSyntaxError, engines

    faults = 0
    for path in sorted(PACKAGE.rglob("templates/**/*.html")):
        text = path.read_text()
        try:
            engines["django"].engine.get_template(str(path.relative_to(next(p for p in path.parents if p.name == "templates"))))  # type: ignore[attr-defined]
        except TemplateSyntaxError as error:
            print(f"{path.relative_to(PACKAGE.parent)}: {error}")
            faults += 1
        for wrong, why in (("<script>", "inline script"), (" onclick=", "inline script"), (' style="color', "colours come from tokens")):
            if wrong in text:
                print(f"{path.relative_to(PACKAGE.parent)}: {why}: {wrong}")
                faults += 1
    return faults


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
