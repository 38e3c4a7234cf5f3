"""How does a test speak TLS, and with which certificates? They are made when a test needs them."""

from __future__ import annotations

import contextlib
import socket
import ssl
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from . import servers
from .client import TIMEOUT_S, Client, Response
from .servers import Option


class Certificates:
    """An authority of this session, and files with what it issues."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.authority = trustme.CA()
        self.ca_file = str(directory / "ca.pem")
        self.authority.cert_pem.write_to_path(self.ca_file)

    def issue(
        self, name: str = "server", identity: str = "127.0.0.1", *, by_another: bool = False
    ) -> tuple[str, str]:
        """Write a new pair of certificate and key under this name; return the paths.

        `by_another`: issued by an authority that ours has certified, whose certificate stands behind it.
        """
        cert, key = self.directory / f"{name}.pem", self.directory / f"{name}.key"
        authority = self.authority.create_child_ca() if by_another else self.authority
        issued = authority.issue_cert(identity)
        self.replace(cert, b"".join(pem.bytes() for pem in issued.cert_chain_pems))
        self.replace(key, issued.private_key_pem.bytes())
        return str(cert), str(key)

    @staticmethod
    def replace(path: Path, data: bytes) -> None:
        """As a renewal does it: nobody reads a part of the new file."""
        new = path.with_suffix(".new")
        new.write_bytes(data)
        new.replace(path)

    def encrypt(self, key: str, password: str) -> None:
        """Replace the key by itself, encrypted."""
        plain = load_pem_private_key(Path(key).read_bytes(), None)
        Path(key).write_bytes(
            plain.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(password.encode()))
        )

    def client_context(self, pair: tuple[str, str] | None = None) -> ssl.SSLContext:
        """A client that trusts the authority; with its own certificate, if a pair is given."""
        context = ssl.create_default_context(cafile=self.ca_file)
        if pair is not None:
            context.load_cert_chain(*pair)
        return context


class TlsClient(Client):
    """A `Client` under TLS."""

    def __init__(
        self, port: int, context: ssl.SSLContext, session: ssl.SSLSession | None = None, **options: Any
    ) -> None:
        super().__init__(port, **options)
        try:
            self.socket: ssl.SSLSocket = context.wrap_socket(
                self.socket, server_hostname="127.0.0.1", suppress_ragged_eofs=False, session=session
            )
        except BaseException:
            self.socket.close()
            raise

    def receive(self) -> bool:
        try:
            return super().receive()
        except ssl.SSLError as error:
            if isinstance(error, TimeoutError):
                raise
            self.ending = "reset"  # an end without close_notify
            return False

    @property
    def server_certificate(self) -> bytes:
        found = self.socket.getpeercert(binary_form=True)
        assert found is not None
        return found

    def detach(self) -> socket.socket:
        """The connection without TLS, as it stands."""
        return socket.socket(fileno=self.socket.detach())


class TlsServer(servers.Server):
    """A server with a certificate of `certificates`, asked over TLS by those that trust it."""

    def __init__(
        self, http: str, certificates: Certificates, options: Mapping[str, Option] | None = None
    ) -> None:
        self.certificates = certificates
        self.context = certificates.client_context()
        super().__init__(http, options or {})

    def connect(self, **options: float) -> Client:
        return TlsClient(self.port, self.context, **options)

    def plain(self) -> Client:
        """A connection on which nothing is encrypted."""
        return Client(self.port)

    def hello(self, client: Client) -> Response:
        return client.ask(b"GET /hello HTTP/1.1\r\nHost: a\r\n\r\n")


class Session:
    """A TLS client whose records the test sends itself, when and in what pieces it likes."""

    def __init__(self, server: TlsServer, piece_bytes: int = 65536) -> None:
        self.socket = socket.create_connection(("127.0.0.1", server.port), TIMEOUT_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._piece_bytes = piece_bytes
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = server.context.wrap_bio(self._incoming, self._outgoing, server_hostname="127.0.0.1")

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def flush(self) -> None:
        """Send the records that wait."""
        data = self._outgoing.read()
        for at in range(0, len(data), self._piece_bytes):
            self.socket.sendall(data[at : at + self._piece_bytes])

    def _fill(self) -> None:
        data = self.socket.recv(65536)
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()

    def shake(self) -> None:
        """Carry the handshake out, but for the sending of its last flight."""
        while True:
            try:
                return self.tls.do_handshake()
            except ssl.SSLWantReadError:
                self.flush()
                self._fill()

    def receive(self) -> bytes:
        """What comes next."""
        while True:
            try:
                return self.tls.read(65536)
            except ssl.SSLWantReadError:
                self._fill()

    def read_to_end(self) -> tuple[bytes, bool]:
        """All that comes, and whether the server ended its session: a close_notify, and not the bare end."""
        received = b""
        while True:
            try:
                data = self.receive()
            except ssl.SSLZeroReturnError:
                return received, True
            except ssl.SSLEOFError:
                return received, False
            else:
                if not data:
                    return received, True
                received += data


def refused(server: TlsServer, context: ssl.SSLContext) -> None:
    """The server ends the handshake; with TLS 1.3 the client may have thought that it was complete."""
    client = None
    with contextlib.suppress(OSError):
        client = TlsClient(server.port, context)
        client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    if client is not None:
        with client, contextlib.suppress(OSError):
            assert client.read_to_end() == b""


def options_of(pair: tuple[str, str], **more: Option) -> dict[str, Option]:
    named = {name.replace("_", "-"): value for name, value in more.items()}
    return {"ssl-certfile": pair[0], "ssl-keyfile": pair[1], **named}


def client_hello() -> bytes:
    """The first bytes that a TLS client sends."""
    outgoing = ssl.MemoryBIO()
    context = ssl.create_default_context()
    session = context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="localhost")
    with contextlib.suppress(ssl.SSLWantReadError):
        session.do_handshake()
    return outgoing.read()


def failing_start(http: str, options: Mapping[str, Option]) -> subprocess.CompletedProcess[str]:
    """What a server says that cannot start with these options."""
    return subprocess.run(
        servers.command(http, options),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S * 4,
        stdin=subprocess.DEVNULL,
    )
