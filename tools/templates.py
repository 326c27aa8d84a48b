"""Compiles every template, so that a broken one fails the check and not a user."""

import sys

from tools import project
from tools.project import PACKAGE


def main() -> int:
    project.ready()
    from django.template import Engine, TemplateSyntaxError, engines

    libraries = ["django.templatetags.i18n", "django.templatetags.tz"]
    demo = PACKAGE / "demo" / "templates"  # the sample company has nothing of Baton's pages
    pages = engines["django"].engine  # type: ignore[attr-defined]
    sample = Engine(dirs=[str(demo)], libraries={"i18n": libraries[0]}, builtins=libraries)
    faults = 0
    for engine, folder in ((pages, PACKAGE / "web" / "templates"), (sample, demo)):
        for path in sorted(folder.rglob("*.html")):
            text = path.read_text()
            try:
                engine.get_template(str(path.relative_to(folder)))
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
