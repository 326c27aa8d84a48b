"""An SMTP server of sockets and threads that pipelines, and that does what real ones do when they fail, told by the local part of the recipient."""

import socket
import threading
from typing import Self

ANSWERS = {"hard": b"550 5.1.1 User unknown\r\n", "full": b"452 4.2.2 Mailbox full\r\n", "slow": b"451 4.7.0 Too many messages, slow down\r\n"}


class Scripted:
    """`features` are offered after EHLO. Recipients: hard, full, slow are refused; vanish: hangs up after the whole mail, without an answer; cut: hangs up
    before the content; busy: 421 instead of taking it; late: 354 although nobody gets it."""

    def __init__(self, *features: str) -> None:
        self.features = features or ("PIPELINING", "DSN", "SMTPUTF8", "8BITMIME")
        self.mails: list[tuple[str, bytes]] = []
        self.commands: list[bytes] = []
        self.connections = 0
        self.gone: set[str] = set()  # recipients whose trouble has happened
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    def _accept(self) -> None:
        while True:
            try:
                line, _address = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._talk, args=(line,), daemon=True).start()

    def _talk(self, line: socket.socket) -> None:
        try:
            with line, line.makefile("rwb") as file:
                self._conversation(file)
        except (OSError, ValueError):
            pass

    def _conversation(self, file: socket.SocketIO) -> None:  # type: ignore[type-arg]
        def say(text: bytes) -> None:
            file.write(text)
            file.flush()

        say(b"220 relay.example\r\n")
        recipient = ""
        while command := file.readline():
            self.commands.append(command.rstrip())
            word = command[:4].upper()
            name = recipient.partition("@")[0]
            if word == b"EHLO":
                lines = ["relay.example", *self.features]
                say("".join(f"250{' ' if one is lines[-1] else '-'}{one}\r\n" for one in lines).encode())
            elif word == b"MAIL":
                say(b"550 5.7.1 Sender not allowed\r\n" if b"stranger@" in command else b"250 2.1.0 OK\r\n")
            elif word == b"RCPT":
                recipient = command.partition(b"<")[2].partition(b">")[0].decode()
                name = recipient.partition("@")[0]
                if name == "busy" and recipient not in self.gone:
                    self.gone.add(recipient)
                    say(b"421 4.3.2 Shutting down\r\n")
                    return
                say(ANSWERS.get(name, b"550 5.1.1 User unknown\r\n" if name == "late" else b"250 2.1.5 OK\r\n"))
            elif word == b"DATA":
                if name in ANSWERS:
                    say(b"554 5.5.1 No valid recipients\r\n")
                    continue
                if name == "cut" and recipient not in self.gone:
                    self.gone.add(recipient)
                    return
                say(b"354 Go on\r\n")
                content = self._content(file)
                if name == "vanish":
                    return
                if name != "late":
                    self.mails.append((recipient, content))
                say(b"250 2.0.0 Queued\r\n")
            elif word == b"QUIT":
                say(b"221 2.0.0 Bye\r\n")
                return
            else:
                say(b"250 2.0.0 OK\r\n")

    def _content(self, file: socket.SocketIO) -> bytes:  # type: ignore[type-arg]
        lines = []
        while (line := file.readline()) != b".\r\n":
            if not line:
                raise OSError
            lines.append(line[1:] if line.startswith(b".") else line)
        return b"".join(lines)
