"""A mail server on this machine (RFC 5321, no more than it takes), which notes the letters that it is given."""

import email
import email.policy
import socketserver
import threading
from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any


@dataclass(frozen=True, slots=True)
class Taken:
    """One letter: its envelope, and what it says."""

    sender: str
    recipient: str
    letter: EmailMessage

    @property
    def text(self) -> str:
        body = self.letter.get_body(("plain",))
        assert body is not None
        return str(body.get_content())


class MailServer:
    """A context manager. `answer_recipient` says what a recipient is answered with, and may be replaced at any time."""

    def __init__(self) -> None:
        self.taken: list[Taken] = []
        self.answer_recipient: Callable[[str], str] = lambda _address: "250 OK"
        mail = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                mail._serve(self.rfile, lambda line: self.wfile.write(f"{line}\r\n".encode()))

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def __enter__(self) -> "MailServer":
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _serve(self, lines: Any, say: Callable[[str], Any]) -> None:
        say("220 uji")
        sender = recipient = ""
        for raw in lines:
            line = raw.decode().strip()
            verb = line.upper()
            if verb.startswith("MAIL FROM:"):
                sender = line[10:].split(" ")[0].strip("<>")
                say("250 OK")
            elif verb.startswith("RCPT TO:"):
                recipient = line[8:].split(" ")[0].strip("<>")
                say(self.answer_recipient(recipient))
            elif verb == "DATA":
                say("354 go on")
                self.taken.append(Taken(sender, recipient, _letter(lines)))
                say("250 taken")
            elif verb == "QUIT":
                say("221 bye")
                return
            else:
                say("250 OK")


def _letter(lines: Any) -> EmailMessage:
    whole = []
    for raw in lines:
        if raw == b".\r\n":
            break
        whole.append(raw[1:] if raw.startswith(b".") else raw)
    return email.message_from_bytes(b"".join(whole), policy=email.policy.default)
