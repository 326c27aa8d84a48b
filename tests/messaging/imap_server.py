"""An IMAP server for tests, with one mailbox: as much of RFC 3501 as reading it needs."""

import re
import socketserver
import threading
from typing import Any


class ImapServer(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Session)
        self.mails: dict[int, bytes] = {}
        self.validity = 7
        self.password = "secret"
        self.changed: list[str] = []  # commands that would change the mailbox

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def put(self, raw: bytes) -> int:
        uid = max(self.mails, default=0) + 1
        self.mails[uid] = raw
        return uid

    def start(self) -> None:
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()


class _Session(socketserver.StreamRequestHandler):
    server: Any

    def handle(self) -> None:
        self._say(b"* OK IMAP4rev1 ready")
        for line in self.rfile:
            tag, _, rest = line.decode().strip().partition(" ")
            command, _, given = rest.partition(" ")
            answer = getattr(self, f"_{command.upper()}", None)
            if answer is None:
                self.server.changed.append(rest)
                self._say(f"{tag} BAD unknown".encode())
            else:
                self._say(f"{tag} {answer(given)} done".encode())
            if command.upper() == "LOGOUT":
                return

    def _say(self, line: bytes) -> None:
        self.wfile.write(line + b"\r\n")

    def _CAPABILITY(self, _given: str) -> str:
        self._say(b"* CAPABILITY IMAP4rev1")
        return "OK"

    def _LOGIN(self, given: str) -> str:
        return "OK" if given.rpartition(" ")[2].strip('"') == self.server.password else "NO [AUTHENTICATIONFAILED] wrong password"

    def _SELECT(self, _given: str) -> str:
        self._say(f"* {len(self.server.mails)} EXISTS".encode())
        return "OK [READ-WRITE] done"

    _EXAMINE = _SELECT

    def _STATUS(self, given: str) -> str:
        values = {"UIDVALIDITY": self.server.validity, "UIDNEXT": max(self.server.mails, default=0) + 1, "MESSAGES": len(self.server.mails)}
        asked = re.findall(r"[A-Z]+", given.rpartition("(")[2])
        self._say(f'* STATUS "INBOX" ({" ".join(f"{name} {values[name]}" for name in asked)})'.encode())
        return "OK"

    def _UID(self, given: str) -> str:
        command, _, rest = given.partition(" ")
        if command.upper() == "SEARCH":
            found = re.search(r"UID (\d+):\*", rest)
            least = min(int(found[1]), max(self.server.mails, default=0)) if found else 1  # `n:*` always holds the last one
            self._say(f"* SEARCH {' '.join(str(uid) for uid in self.server.mails if uid >= least)}".encode())
        elif command.upper() == "FETCH":
            uid = int(rest.split()[0])
            raw = self.server.mails.get(uid)
            if raw is not None and "RFC822.SIZE" in rest:
                self._say(f"* 1 FETCH (UID {uid} RFC822.SIZE {len(raw)})".encode())
            elif raw is not None and "PEEK" in rest:
                self.wfile.write(f"* 1 FETCH (UID {uid} BODY[] {{{len(raw)}}}\r\n".encode() + raw + b")\r\n")
            else:
                self.server.changed.append(given)
        return "OK"

    def _LOGOUT(self, _given: str) -> str:
        self._say(b"* BYE")
        return "OK"

    def _NOOP(self, _given: str) -> str:
        return "OK"

    _CLOSE = _NOOP
    _UNSELECT = _NOOP
