"""The project as the checks see it: everything on, the demo too, with a database of its own."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "baton"


def ready() -> None:
    """Set up Django for a check."""
    os.environ.setdefault("BATON_DATA_DIR", str(ROOT / "build" / "check-data"))
    os.environ["BATON_DEMO"] = "1"
    from baton.platform import setup

    setup.django("check")
