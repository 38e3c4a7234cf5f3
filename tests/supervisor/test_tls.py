"""TLS with workers: a restart takes certificates anew, and a broken pair leaves those that serve."""

from __future__ import annotations

import signal
import ssl
from pathlib import Path

import pytest

from .processes import TIMEOUT_S, Supervised, get, supervised, until

trustme = pytest.importorskip("trustme")
pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="reads /proc")


class Pair:
    """A certificate and its key, which can be renewed."""

    def __init__(self, directory: Path) -> None:
        self._authority = trustme.CA()
        self.cert, self.key = directory / "cert.pem", directory / "key.pem"
        self.client = ssl.create_default_context()
        self._authority.configure_trust(self.client)
        #: Only a restart is to find out that there is another one.
        self.words = (
            "--ssl-certfile", str(self.cert), "--ssl-keyfile", str(self.key),
            "--ssl-reload-interval-s", "0",
        )  # fmt: skip
        self.renew()

    def renew(self) -> None:
        issued = self._authority.issue_cert("localhost")
        issued.cert_chain_pems[0].write_to_path(str(self.cert))
        issued.private_key_pem.write_to_path(str(self.key))

    def seen(self, server: Supervised) -> tuple[str, int]:
        """The serial number of the certificate that a new connection sees, and who answers."""
        plain = server.process.connect()
        plain.settimeout(TIMEOUT_S)
        with self.client.wrap_socket(plain, server_hostname="localhost") as sock:
            certificate = sock.getpeercert()
            assert certificate is not None
            return str(certificate["serialNumber"]), int(get(sock, "/")[1])


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return Pair(tmp_path)


def test_a_restart_takes_the_new_certificate(tmp_path: Path, pair: Pair) -> None:
    with supervised(tmp_path, "--workers", "2", *pair.words) as server:
        before = set(server.serving(2))
        assert "running on https://127.0.0.1:" in server.output
        first, answering = pair.seen(server)
        assert answering in before
        pair.renew()
        assert pair.seen(server)[0] == first
        server.send(signal.SIGHUP)
        server.serving(4)
        until(lambda: not before & set(server.children))
        second, answering = pair.seen(server)
        assert second != first
        assert answering not in before
        assert server.ends() == 0


def test_a_broken_certificate_leaves_those_that_serve(tmp_path: Path, pair: Pair) -> None:
    with supervised(tmp_path, "--workers", "2", *pair.words) as server:
        before = set(server.serving(2))
        first, _ = pair.seen(server)
        pair.cert.write_text("half a certificate")
        server.send(signal.SIGHUP)
        server.wait_for("aborting the restart.")
        assert set(server.children) == before
        assert pair.seen(server)[0] == first
        assert server.ends() == 0
