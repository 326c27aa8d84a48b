"""A postfix of our own for a test: the system's program with a folder and a port of its own; Debian's by apt where there is none and we may install."""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

QUICK = {
    "compatibility_level": "3.6", "myhostname": "mx.relay.example", "mydestination": "", "mynetworks": "127.0.0.0/8", "inet_interfaces": "127.0.0.1",
    "inet_protocols": "ipv4", "smtpd_recipient_restrictions": "permit_mynetworks, reject", "smtpd_relay_restrictions": "permit_mynetworks, reject",
    "maximal_queue_lifetime": "0", "smtp_tls_security_level": "none", "biff": "no",
    "alias_maps": "", "local_recipient_maps": "", "disable_dns_lookups": "yes", "smtp_host_lookup": "native", "lmtp_host_lookup": "native",
    "smtp_connect_timeout": "3s", "queue_run_delay": "1s", "minimal_backoff_time": "1s", "soft_bounce": "no",
}  # fmt: skip
SERVICES = """\
127.0.0.1:{port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
smtp unix - - n - - smtp
lmtp unix - - n - - lmtp
error unix - - n - - error
retry unix - - n - - error
proxymap unix - - n - - proxymap
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


def found() -> bool:
    """Whether a postfix of our own can be started: the program is there, and we are root, as it asks."""
    return os.geteuid() == 0 and shutil.which("postfix", path=_path()) is not None


def install() -> bool:
    """Bring the program where that is possible."""
    if not found() and os.geteuid() == 0 and shutil.which("apt-get"):
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", "postfix"]):
            subprocess.run(["apt-get", *command], check=False, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return found()


@contextlib.contextmanager
def running(port: int, transports: dict[str, str]) -> Iterator[None]:
    """Run one that sends mail for these domains by these transports (`smtp:[127.0.0.1]:2525`), and returns at once what cannot be delivered."""
    import pwd

    postfix = pwd.getpwnam("postfix")
    with tempfile.TemporaryDirectory(prefix="postfix-") as made:
        folder = Path(made)
        config, queue, data = folder / "etc", folder / "spool", folder / "data"
        for path in (folder, config, queue, data):
            path.mkdir(exist_ok=True)
            path.chmod(0o755)  # its parts drop their rights and must get through
        os.chown(data, postfix.pw_uid, postfix.pw_gid)
        (config / "transport").write_text("".join(f"{domain} {way}\n" for domain, way in transports.items()))
        own = {"queue_directory": queue, "data_directory": data, "transport_maps": f"texthash:{config}/transport"}
        logged = {"maillog_file": folder / "log", "maillog_file_prefixes": folder}
        (config / "main.cf").write_text("".join(f"{name} = {value}\n" for name, value in {**QUICK, **own, **logged}.items()))
        (config / "master.cf").write_text(SERVICES.format(port=port))
        try:
            _call(config, "start", check=True)
            yield
        finally:
            _call(config, "stop", check=False)


def _call(config: Path, command: str, *, check: bool) -> None:
    done = subprocess.run(["postfix", "-c", str(config), command], check=False, capture_output=True, text=True, timeout=60, env={**os.environ, "PATH": _path()})
    if check and done.returncode:
        log = config.parent / "log"
        raise RuntimeError(f"postfix {command}: {done.stderr or (log.read_text() if log.exists() else 'it says nothing')}")


def _path() -> str:
    return f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


if __name__ == "__main__":
    sys.exit(0 if install() else "No postfix can be had here; the test that needs one is left out.")
