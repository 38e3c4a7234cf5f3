"""How does a file reach its client, to which `wsgi.file_wrapper` has been returned?

The server may send it without reading it. Whether it does is nothing that a client sees: most tests ask
every implementation for the same bytes. Those of one that does are at the end.
"""

from __future__ import annotations

import errno
import gzip
import hashlib
import os
import ssl
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from asgi.serving import Serving, get, until

from .apps import PLAIN, Environ, StartResponse
from .conftest import Serve

#: More than a server reads in one go.
CONTENT = hashlib.shake_256(b"a file").digest(300_007)
#: More than the kernel takes of a client that does not read.
LARGE_BYTES = 16_000_000


class Sending:
    """An application that has files sent: `open_file` gives the next one. It counts those that are closed."""

    def __init__(self, open_file: Callable[[], Any], headers: Any = (), status: str = "200 OK") -> None:
        self.open_file = open_file
        self.headers = headers
        self.status = status
        self.opened = 0
        self.closed = 0

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/other":
            start_response("200 OK", [*PLAIN])
            return [b"other"]
        start_response(self.status, [*PLAIN, *self.headers])
        file = self.open_file()
        self.opened += 1
        wrapped = environ["wsgi.file_wrapper"](file)

        def close() -> None:
            file.close()
            self.closed += 1

        wrapped.close = close
        answer: Iterable[bytes] = wrapped
        return answer

    def await_closed(self) -> None:
        until(lambda: self.closed == self.opened, "a file was not closed")


@pytest.fixture
def serve(serve: Serve) -> Serve:
    """Without the watch of the event loop: a client that parses megabytes in this process holds it."""
    return lambda app, **options: serve(app, **{"blocked_loop_ms": 0, **options})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(CONTENT)
    return path


@pytest.fixture
def large(tmp_path: Path) -> Path:
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(LARGE_BYTES)
    return path


def seeking(path: Path, offset: int) -> Callable[[], Any]:
    def open_file() -> Any:
        file = path.open("rb")
        file.read(offset)  # the buffered reader is further than that in the file
        return file

    return open_file


# ---- what is sent ----


def test_one_file_behind_the_other(serve: Serve, path: Path) -> None:
    app = Sending(lambda: path.open("rb"))
    with serve(app).connect() as client:
        client.send(get() * 3)
        for _ in range(3):
            response = client.response()
            assert (response.status, response.framing, response.body == CONTENT) == (200, "length", True)
        assert client.ask(get("/other")).body == b"other"
    app.await_closed()


def test_files_under_the_same_fields_have_their_own_lengths(serve: Serve, path: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_bytes(CONTENT[:-7])
    paths = [path, other] * 2
    with serve(Sending(iter([each.open("rb") for each in paths]).__next__)).connect() as client:
        for each in paths:
            assert client.ask(get()).body == each.read_bytes()


def test_an_answer_before_a_file_goes_out_before_it(serve: Serve, path: Path) -> None:
    with serve(Sending(lambda: path.open("rb"))).connect() as client:
        client.send(get("/other") + get() + get("/other"))
        assert client.response().body == b"other"
        assert client.response().body == CONTENT
        assert client.response().body == b"other"


@pytest.mark.parametrize("offset", [100_000, len(CONTENT) + 5])
def test_a_file_is_sent_from_where_it_stands(serve: Serve, path: Path, offset: int) -> None:
    def open_file() -> Any:
        file = path.open("rb")
        file.seek(offset)
        return file

    response = serve(Sending(open_file)).ask()
    assert (response.framing, response.body == CONTENT[offset:]) == ("length", True)


def test_a_file_that_was_read_from_is_sent_from_there(serve: Serve, path: Path) -> None:
    assert serve(Sending(seeking(path, 10))).ask().body == CONTENT[10:]


@pytest.mark.parametrize("length", [0, 200_000])
def test_no_more_than_the_content_length_is_sent(serve: Serve, path: Path, length: int) -> None:
    app = Sending(seeking(path, 7), [("Content-Length", str(length))])
    with serve(app).connect() as client:
        assert client.ask(get()).body == CONTENT[7 : 7 + length]
        assert client.ask(get("/other")).body == b"other"


def test_a_file_shorter_than_its_content_length(serve: Serve, path: Path) -> None:
    serving = serve(Sending(lambda: path.open("rb"), [("Content-Length", str(len(CONTENT) + 1))]))
    with serving.connect() as client:
        client.send(get())
        assert CONTENT not in client.read_to_end()
    (error,) = until(serving.errors, "no error was logged")
    assert "1 bytes shorter than its Content-Length" in error


@pytest.mark.parametrize(("method", "status"), [("HEAD", "200 OK"), ("GET", "304 Not Modified")])
def test_an_answer_without_a_body(serve: Serve, path: Path, method: str, status: str) -> None:
    app = Sending(lambda: path.open("rb"), status=status)
    with serve(app).connect() as client:
        response = client.ask(get().replace(b"GET", method.encode()), method)
        assert response.header("content-length") == [str(len(CONTENT)).encode()]
        assert client.ask(get("/other")).body == b"other"
    app.await_closed()


def test_a_file_to_http_1_0(serve: Serve, path: Path) -> None:
    with serve(Sending(lambda: path.open("rb"))).connect() as client:
        client.send(b"GET / HTTP/1.0\r\n\r\n")
        assert client.read_to_end().endswith(b"\r\n\r\n" + CONTENT)


def test_what_was_written_but_not_flushed_is_sent(serve: Serve, tmp_path: Path) -> None:
    def open_file() -> Any:
        file = (tmp_path / "new").open("w+b")
        file.write(CONTENT)
        file.seek(0)
        file.write(b"new!")
        return file

    assert serve(Sending(open_file)).ask().body == CONTENT[4:]


def test_what_a_file_unpacks_is_sent_and_not_what_it_is(serve: Serve, tmp_path: Path) -> None:
    """A GzipFile has a descriptor as well."""
    packed = tmp_path / "file.gz"
    packed.write_bytes(gzip.compress(CONTENT))
    response = serve(Sending(lambda: gzip.GzipFile(packed))).ask()
    assert (response.framing, response.body == CONTENT) == ("chunked", True)


def test_a_pipe_is_sent(serve: Serve) -> None:
    def open_file() -> Any:
        reading, writing = os.pipe()
        os.write(writing, b"from a pipe")
        os.close(writing)
        return os.fdopen(reading, "rb")

    assert serve(Sending(open_file)).ask().body == b"from a pipe"


def test_a_file_through_a_unix_socket(serve: Serve, path: Path, tmp_path: Path) -> None:
    serving = serve(Sending(lambda: path.open("rb")), uds=str(tmp_path / "socket"))
    assert serving.ask_unix(str(tmp_path / "socket"), get()).body == CONTENT


def test_a_file_under_tls(serve: Serve, path: Path, tmp_path: Path) -> None:
    trustme = pytest.importorskip("trustme")
    authority = trustme.CA()
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "pem"))
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    app = Sending(lambda: path.open("rb"))
    with serve(app, ssl_certfile=str(tmp_path / "pem")).connect() as client:
        client.socket = trusting.wrap_socket(client.socket, server_hostname="localhost")
        assert client.ask(get()).body == CONTENT
    app.await_closed()


# ---- a client that is slow, or goes ----


def test_a_slow_client_gets_all_and_keeps_nobody_waiting(serve: Serve, large: Path) -> None:
    app = Sending(lambda: large.open("rb"))
    serving = serve(app)
    with serving.connect() as client:
        client.send(get())
        client.receive()
        assert serving.ask(get("/other")).body == b"other"
        assert app.closed == 0
        assert len(client.response().body) == LARGE_BYTES
        assert client.ask(get("/other")).body == b"other"
    app.await_closed()


@pytest.mark.parametrize("reset", [True, False])
def test_a_client_that_goes_midway(serve: Serve, large: Path, reset: bool) -> None:
    app = Sending(lambda: large.open("rb"))
    serving = serve(app)
    client = serving.connect(receive_buffer_bytes=10_000)
    client.send(get())
    client.receive()
    client.reset() if reset else client.close()
    until(lambda: app.closed == 1, "it was not closed")
    serving.await_idle()
    assert serving.errors() == []


def test_a_client_that_takes_nothing_is_dropped(serve: Serve, large: Path) -> None:
    app = Sending(lambda: large.open("rb"))
    with serve(app, write_timeout_s=0.1).connect(receive_buffer_bytes=10_000) as client:
        client.send(get())
        until(lambda: app.closed == 1, "it was not dropped")


def test_a_server_that_ends_waits_for_no_slow_client(serve: Serve, large: Path) -> None:
    app = Sending(lambda: large.open("rb"))
    serving = serve(app, timeout_graceful_shutdown=0.1)
    with serving.connect(receive_buffer_bytes=10_000) as client:
        client.send(get())
        client.receive()
        serving.stop()
    app.await_closed()
    serving.errors()


@pytest.mark.proc
def test_no_descriptor_is_left(serve: Serve, large: Path) -> None:
    def descriptors() -> int:
        return len(os.listdir("/proc/self/fd"))

    app = Sending(lambda: large.open("rb"))
    serving = serve(app)
    assert serving.ask(get("/other")).body == b"other"
    serving.await_idle()
    before = descriptors()
    for whole in (False, True):
        with serving.connect(receive_buffer_bytes=10_000) as client:
            client.send(get())
            client.receive()
            if whole:
                client.response()
    app.await_closed()
    until(lambda: descriptors() <= before, lambda: f"{descriptors() - before} descriptors were left")


# ---- a file that changes ----


def test_a_file_that_becomes_shorter_breaks_the_answer_off(serve: Serve, large: Path) -> None:
    app = Sending(lambda: large.open("rb"))
    serving = serve(app)
    with serving.connect(receive_buffer_bytes=10_000) as client:
        client.send(get())
        client.receive()
        os.truncate(large, 0)
        assert len(client.read_to_end()) < LARGE_BYTES
    (error,) = until(serving.errors, "no error was logged")
    assert "short" in error
    app.await_closed()


def test_a_file_that_becomes_longer_is_as_long_as_it_was(serve: Serve, large: Path) -> None:
    app = Sending(lambda: large.open("rb"))
    serving = serve(app)
    with serving.connect() as client:
        client.send(get())
        client.receive()
        os.truncate(large, LARGE_BYTES + 1_000_000)
        assert len(client.response().body) == LARGE_BYTES
        assert client.ask(get("/other")).body == b"other"


# ---- sendfile(2) ----


class Kernel:
    """`os.sendfile`, seen by a test: how often it was asked, and with what it is to fail."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls = 0
        self.error: int | None = None
        self._sendfile = os.sendfile
        monkeypatch.setattr(os, "sendfile", self.sendfile)

    def sendfile(self, *arguments: int) -> int:
        self.calls += 1
        if self.error is not None:
            raise OSError(self.error, os.strerror(self.error))
        return self._sendfile(*arguments)


@pytest.fixture
def kernel(http: str, monkeypatch: pytest.MonkeyPatch) -> Kernel:
    if http != "cython":
        pytest.skip("it reads what it sends")
    if not hasattr(os, "sendfile"):
        pytest.skip("this system has no sendfile")
    return Kernel(monkeypatch)


def test_the_kernel_sends_what_is_large(serve: Serve, kernel: Kernel, path: Path) -> None:
    assert serve(Sending(lambda: path.open("rb"))).ask().body == CONTENT
    assert kernel.calls > 0


def test_what_is_small_goes_out_with_its_head(serve: Serve, kernel: Kernel, tmp_path: Path) -> None:
    (tmp_path / "small").write_bytes(b"small")
    assert serve(Sending(lambda: (tmp_path / "small").open("rb"))).ask().body == b"small"
    assert kernel.calls == 0


def test_a_proxy_is_seen_through(serve: Serve, kernel: Kernel, path: Path) -> None:
    class Proxy:
        """As Django's File is one."""

        def __init__(self) -> None:
            self.file = path.open("rb")
            self.close = self.file.close

        @property
        def read(self) -> Any:
            return self.file.read

    assert serve(Sending(Proxy)).ask().body == CONTENT
    assert kernel.calls > 0


def test_a_file_with_a_read_of_its_own_is_read(serve: Serve, kernel: Kernel, path: Path) -> None:
    class Upper:
        def __init__(self) -> None:
            self.file = path.open("rb")
            self.fileno, self.tell, self.close = self.file.fileno, self.file.tell, self.file.close

        def read(self, size: int) -> bytes:
            return self.file.read(size).upper()

    response = serve(Sending(Upper)).ask()
    assert (response.framing, response.body == CONTENT.upper()) == ("chunked", True)
    assert kernel.calls == 0


@pytest.mark.parametrize("size", [len(CONTENT), LARGE_BYTES])
def test_a_file_system_that_cannot_has_its_files_read(
    serve: Serve, kernel: Kernel, path: Path, large: Path, size: int
) -> None:
    kernel.error = errno.EINVAL
    sent = path if size == len(CONTENT) else large
    with serve(Sending(lambda: sent.open("rb"))).connect() as client:
        client.send(get() + get("/other"))
        assert client.response().body == sent.read_bytes()
        assert client.response().body == b"other"
    assert kernel.calls == 1


def test_a_disk_that_fails_breaks_the_answer_off(serve: Serve, kernel: Kernel, path: Path) -> None:
    kernel.error = errno.EIO
    app = Sending(lambda: path.open("rb"))
    serving = serve(app)
    with serving.connect() as client:
        client.send(get())
        assert len(client.read_to_end()) < len(CONTENT)
    (error,) = until(serving.errors, "no error was logged")
    assert os.strerror(errno.EIO) in error
    app.await_closed()


def test_a_process_without_descriptors_reads(
    serve: Serve, kernel: Kernel, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One for the file is needed and was there; the one of the socket's duplicate is not."""
    duplicate = os.dup
    given: list[int] = []

    def once(descriptor: int) -> int:
        if given:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        given.append(duplicate(descriptor))
        return given[0]

    serving: Serving = serve(Sending(lambda: path.open("rb")))
    monkeypatch.setattr(os, "dup", once)
    assert serving.ask().body == CONTENT
    assert kernel.calls == 0
