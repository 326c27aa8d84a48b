"""Which Chromium to drive: one of the system that starts, else Playwright's own."""

import os
import shutil
import subprocess
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# What a driven browser need not have: the address bar's pop-ups and a spare page would start processes for every window, which takes longer than most pages.
# Of several --disable-features the last alone counts, so the ones that Playwright turns off are named again.
NEEDLESS = (
    "WebUIOmniboxPopup,WebUIOmniboxAimPopup,SpareRendererForSitePerProcess,"
    "AimEnabled,AvoidCorsURLLoaderRestartOnRedirect,AvoidUnnecessaryBeforeUnloadCheckSync,DestroyProfileOnBrowserClose,HttpsFirstBalancedModeAutoEnable,"
    "HttpsUpgrades,LensOverlay,MediaRouter,NetworkTimeServiceQuerying,OptimizationHints,PaintHolding,PreconnectToSearch,TcpPortRandomizationWin,"
    "ThirdPartyStoragePartitioning"
)
LIGHT = ["--disable-gpu", "--in-process-gpu", "--disable-quic", "--disable-background-networking", f"--disable-features={NEEDLESS}"]


def system() -> str | None:
    """The path of a browser of this machine, or None. A snap is passed over: it cannot read a profile outside the user's home."""
    for name in NAMES:
        if (path := shutil.which(name)) and not _is_snap(Path(path)) and starts(path):
            return path
    return None


def starts(path: str) -> bool:
    """Whether the browser runs here: a downloaded one may miss libraries of the system."""
    try:
        return subprocess.run([path, "--version"], capture_output=True, timeout=30).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _is_snap(path: Path) -> bool:
    real = Path(os.path.realpath(path))
    return real.is_relative_to("/snap") or (real.stat().st_size < 20_000 and b"/snap/" in real.read_bytes())
