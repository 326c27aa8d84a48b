"""Writes the reference pages that come from the code (`--write`), and fails when a page is not what the code says or a link is dead."""

import re
import sys
from pathlib import Path

from baton.platform.config import PREFIX, Config

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"


def settings() -> str:
    lines = [
        "# Settings",
        "",
        "Baton is configured by environment variables only. A wrong value stops the start with a sentence that names the variable.",
        "",
        "| variable | default | what it does |",
        "| --- | --- | --- |",
    ]
    for name, field in Config.model_fields.items():
        default = f"`{field.default}`" if str(field.default) else "empty"
        lines.append(f"| `{PREFIX}{name.upper()}` | {default} | {field.description} |")
    return "\n".join([*lines, "", "`baton doctor` checks a deployment against them.", ""])


PAGES = {"settings.md": settings}


def dead_links() -> list[str]:
    found = []
    for page in (*ROOT.glob("*.md"), *DOCS.rglob("*.md")):
        for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", page.read_text()):
            if not (page.parent / target).exists():
                found.append(f"{page.relative_to(ROOT)}: {target} does not exist")
    return found


def main(*, write: bool) -> int:
    faults = 0
    for name, make in PAGES.items():
        page = DOCS / name
        if write:
            page.write_text(make())
        elif not page.exists() or page.read_text() != make():
            print(f"docs/{name} is not what the code says: run `make docs`")
            faults += 1
    for fault in dead_links():
        print(fault)
        faults += 1
    return faults


if __name__ == "__main__":
    sys.exit(1 if main(write="--write" in sys.argv) else 0)
