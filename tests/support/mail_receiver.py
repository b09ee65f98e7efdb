"""A real SMTP server on loopback that keeps the mails that came."""

import email
import email.policy
import socketserver
import threading
from email.message import EmailMessage


class MailReceiver:
    """Keep the mails that came in `received`, the oldest first."""

    def __init__(self) -> None:
        self.received: list[EmailMessage] = []
        receiver = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                self.answer("220 here")
                while line := self.rfile.readline():
                    match line.strip().upper()[:4]:
                        case b"DATA":
                            self.answer("354 go on")
                            lines = list(iter(lambda: self.rfile.readline().rstrip(b"\r\n"), b"."))
                            message = email.message_from_bytes(b"\n".join(lines), policy=email.policy.default)
                            receiver.received.append(message)
                            self.answer("250 taken")
                        case b"QUIT":
                            return self.answer("221 bye")
                        case _:
                            self.answer("250 ok")

            def answer(self, line: str) -> None:
                self.wfile.write(f"{line}\r\n".encode())

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def subjects(self) -> list[str]:
        """Return the subjects of the mails, the oldest first."""
        return [str(message["subject"]) for message in self.received]

    def stop(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
