"""HUP, when certificates have been renewed: new workers serve the new ones, and broken ones nobody."""

from __future__ import annotations

import signal
import ssl
from pathlib import Path

import pytest
import trustme

from .processes import supervised, until

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="reads /proc")


def test_renewed_certificates(tmp_path: Path) -> None:
    authority = trustme.CA()
    client = ssl.create_default_context()
    authority.configure_trust(client)
    file = tmp_path / "server.pem"

    def renew() -> bytes:
        issued = authority.issue_cert("127.0.0.1")
        issued.private_key_and_cert_chain_pem.write_to_path(str(file))
        return ssl.PEM_cert_to_DER_cert(issued.cert_chain_pems[0].bytes().decode())

    first = renew()
    words = ("--workers", "2", "--ssl-certfile", str(file), "--ssl-reload-interval-s", "0")
    with supervised(tmp_path, *words) as server:

        def served() -> bytes | None:
            plain = server.process.connect()
            with client.wrap_socket(plain, server_hostname="127.0.0.1") as sock:
                return sock.getpeercert(binary_form=True)

        before = set(server.serving(2))
        assert served() == first
        second = renew()
        server.send(signal.SIGHUP)
        server.serving(4)
        until(lambda: not before & set(server.children))
        assert {served() for _ in range(8)} == {second}
        file.write_text("rubbish")
        server.send(signal.SIGHUP)
        server.wait_for("aborting the restart.")
        assert f"Cannot use --ssl-certfile {file}: it holds no certificate in PEM" in server.output
        assert {served() for _ in range(8)} == {second}
        assert server.ends() == 0
