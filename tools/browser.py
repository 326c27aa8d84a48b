"""A Chromium for the browser tests: the system's, else Playwright's own, else Debian's by apt; else it says what to do."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from baton.demo.browser import starts, system


def playwrights_own() -> str | None:
    """The path of the browser Playwright has downloaded, if it has."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as p:
        path = p.chromium.executable_path
    return path if Path(path).exists() else None


def executable() -> str:
    """The browser to drive. Raises RuntimeError when there is none: browser tests never skip."""
    found = system() or playwrights_own()
    if not found:
        raise RuntimeError("No Chromium was found. Run `make setup .stamps/browser`, or install the package chromium.")
    return found


def install() -> str:
    if found := system():
        return found
    print("· Chromium for the browser tests", flush=True)
    with_deps = ["--with-deps"] if os.geteuid() == 0 else []
    subprocess.run(
        [sys.executable, "-m", "playwright", "install", *with_deps, "chromium"], check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=900
    )
    if (found := playwrights_own()) and starts(found):
        return found
    if os.geteuid() == 0 and shutil.which("apt-get"):
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "update", "-qq"], check=False, env=environment, stdout=subprocess.DEVNULL)
        subprocess.run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"], check=False, env=environment, stdout=subprocess.DEVNULL)
        if found := system():
            return found
    sys.exit("No Chromium could be installed. Install the package `chromium` (as root: apt-get install chromium) and try again.")


if __name__ == "__main__":
    print(f"· Browser tests use {install()}")
