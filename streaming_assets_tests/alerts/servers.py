"""Real servers on a free port of this machine: a webhook and a mail server that write down what they are sent."""

import base64
import contextlib
import datetime as dt
import http.server
import ipaddress
import json
import socketserver
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Webhook:
    """answers: the status of each request in turn, the last one for all that follow; 413 for texts that are too long."""

    port: int = 0
    answers: list[int] = field(default_factory=lambda: [200])
    at_most: int = 10**9
    taken: list[str] = field(default_factory=list)
    asked: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/services/T0/secret-of-the-hook"


@contextlib.contextmanager
def webhook(*answers: int, at_most: int = 10**9, certificate: Path | None = None) -> Iterator[Webhook]:
    """Takes the text of every request that it answers with 200; by TLS with the certificate, where there is one."""
    told = Webhook(answers=list(answers) or [200], at_most=at_most)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status = told.answers[min(told.asked, len(told.answers) - 1)]
            told.asked += 1
            if len(body["text"]) > told.at_most:
                status = 413
            if status == 200:
                told.taken.append(body["text"])
            self.send_response(status)
            if status == 302:
                self.send_header("Location", "/elsewhere")
            self.end_headers()

        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with _serving(http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler), certificate) as told.port:
        yield told


@dataclass
class MailServer:
    """refuses: whether it takes no mail for the time being; refuses_text: what it answers to the text of every mail.

    seconds: that it thinks before each answer, until it is to hurry. lines: what it was told outside of mails.
    """

    port: int = 0
    certificate: Path | None = None
    refuses: bool = False
    refuses_text: int | None = None
    seconds: float = 0.0
    mails: list[str] = field(default_factory=list)
    logged_in: list[str] = field(default_factory=list)
    was_encrypted: list[bool] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    hurry: threading.Event = field(default_factory=threading.Event)


@contextlib.contextmanager
def mail_server(certificate: Path | None = None) -> Iterator[MailServer]:
    """Speaks as much SMTP as it takes to send a mail; STARTTLS with the certificate, where there is one."""
    told = MailServer(certificate=certificate)

    class Handler(socketserver.StreamRequestHandler):
        def say(self, *lines: str) -> None:
            told.hurry.wait(told.seconds)
            self.wfile.write("".join(f"{line}\r\n" for line in lines).encode())

        def handle(self) -> None:
            is_encrypted = False
            self.say("220 here")
            while line := self.rfile.readline().decode().strip():
                told.lines.append(line)
                verb = line.split(" ", 1)[0].upper()
                if verb == "EHLO":
                    offers = ["250-here", "250-AUTH PLAIN"] + (["250-STARTTLS"] if certificate else [])
                    self.say(*offers, "250 SIZE 1000000")
                elif verb == "STARTTLS":
                    self.say("220 go ahead")
                    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                    context.load_cert_chain(str(certificate))
                    self.connection = context.wrap_socket(self.connection, server_side=True)
                    self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", 0)
                    is_encrypted = True
                elif verb == "AUTH":
                    _, user, password = base64.b64decode(line.split(" ")[2]).decode().split("\0")
                    told.logged_in.append(f"{user}:{password}")
                    self.say("235 welcome")
                elif verb == "MAIL" and told.refuses:
                    self.say("451 come again later")
                elif verb == "DATA":
                    self.say("354 go ahead")
                    mail = "".join(iter(lambda: self.rfile.readline().decode(), ".\r\n"))
                    if told.refuses_text is None:
                        told.mails.append(mail)
                        told.was_encrypted.append(is_encrypted)
                    self.say(f"{told.refuses_text} not this" if told.refuses_text else "250 taken")
                elif verb == "QUIT":
                    self.say("221 bye")
                    return
                else:
                    self.say("250 fine")

    with _serving(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)) as told.port:
        yield told


@contextlib.contextmanager
def dribble(certificate: Path | None = None) -> Iterator[int]:
    """The port of something, behind TLS where there is a certificate, that sends a byte now and then for ever, so that no wait for the next one is long."""
    is_over = threading.Event()

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with contextlib.suppress(OSError):
                while not is_over.wait(0.05):
                    self.request.sendall(b"2")

    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
    with _serving(server, certificate) as port:
        yield port
        is_over.set()


@contextlib.contextmanager
def _serving(server: socketserver.TCPServer, certificate: Path | None = None) -> Iterator[int]:
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(str(certificate))
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.01), daemon=True)
    with server:
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def certificate_in(folder: Path) -> Path:
    """A key and a certificate for 127.0.0.1 that vouches for itself, in one file."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    file = folder / "mail.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return file
