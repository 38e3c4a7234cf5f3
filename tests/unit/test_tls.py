"""fastserve/tls/: contexts from options and factories, names in one text; and who hears a signal."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
import trustme

from fastserve import signals
from fastserve.config import Config
from fastserve.errors import StartupError
from fastserve.tls.credentials import load
from fastserve.tls.extension import distinguished_name
from fastserve.tls.renewal import Renewal


async def app(scope: Any, receive: Any, send: Any) -> None: ...


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    directory = tmp_path_factory.mktemp("pair")
    issued = trustme.CA().issue_cert("localhost")
    issued.cert_chain_pems[0].write_to_path(str(directory / "cert.pem"))
    issued.private_key_pem.write_to_path(str(directory / "key.pem"))
    return str(directory / "cert.pem"), str(directory / "key.pem")


@pytest.fixture
def with_pair(pair: tuple[str, str]) -> Callable[..., Config]:
    return lambda **options: Config(app, ssl_certfile=pair[0], ssl_keyfile=pair[1], **options)


# ---- Config ----


def test_is_ssl_tells_what_would_be_served(with_pair: Callable[..., Config]) -> None:
    assert not Config(app).is_ssl
    assert with_pair().is_ssl
    assert Config(app, ssl_keyfile="k").is_ssl
    assert Config(app, ssl_context_factory=lambda config, default: default()).is_ssl


def test_the_context_is_made_by_load(with_pair: Callable[..., Config]) -> None:
    config = with_pair()
    assert config.ssl is None
    config.load()
    assert isinstance(config.ssl, ssl.SSLContext)
    assert config.ssl.minimum_version is ssl.TLSVersion.TLSv1_2
    plain = Config(app)
    plain.load()
    assert plain.ssl is None


def test_constants_and_paths_are_taken_as_uvicorn_takes_them(pair: tuple[str, str]) -> None:
    config = Config(
        app,
        ssl_certfile=Path(pair[0]),
        ssl_keyfile=Path(pair[1]),
        ssl_version=ssl.PROTOCOL_TLS_SERVER,
        ssl_cert_reqs=ssl.CERT_OPTIONAL,
        ssl_ca_certs=pair[0],
    )
    assert (config.ssl_certfile, config.ssl_version, config.ssl_cert_reqs) == (pair[0], 17, 1)
    assert type(config.ssl_cert_reqs) is int
    config.load()
    assert config.ssl is not None
    assert config.ssl.verify_mode is ssl.CERT_OPTIONAL


# ---- factories ----


def test_a_factory_may_change_the_default_context(with_pair: Callable[..., Config]) -> None:
    def factory(config: Config, default: Callable[[], ssl.SSLContext]) -> ssl.SSLContext:
        assert config.is_ssl
        context = default()
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        return context

    credentials = load(with_pair(ssl_context_factory=factory))
    assert credentials.context.maximum_version is ssl.TLSVersion.TLSv1_2
    assert credentials.server_cert == Path(with_pair().ssl_certfile or "").read_text()


def test_a_factory_may_do_without_files() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    credentials = load(Config(app, ssl_context_factory=lambda config, default: context))
    assert credentials.context is context
    assert credentials.server_cert is None
    assert credentials.stamp == ()


def test_who_chooses_by_name_sends_no_certain_certificate(with_pair: Callable[..., Config]) -> None:
    def factory(config: Config, default: Callable[[], ssl.SSLContext]) -> ssl.SSLContext:
        context = default()
        context.sni_callback = lambda *_: None
        return context

    assert load(with_pair(ssl_context_factory=factory)).server_cert is None


@pytest.mark.parametrize(
    ("factory", "message"),
    [
        (lambda config, default: None, "ssl_context_factory returned NoneType, not ssl.SSLContext"),
        (lambda config, default: 1 / 0, "ssl_context_factory failed: ZeroDivisionError: division by zero"),
        (lambda config, default: default(), "--ssl-keyfile needs --ssl-certfile"),
    ],
)
def test_a_factory_that_fails_is_told(factory: Any, message: str) -> None:
    with pytest.raises(StartupError) as raised:
        Config(app, ssl_context_factory=factory).load()
    assert str(raised.value) == message


# ---- renewal ----


class Clock:
    """An event loop of which only `call_later` is used, and time passes when a test says so."""

    def __init__(self) -> None:
        self.callback: Callable[[], None] | None = None

    def call_later(self, delay_s: float, callback: Callable[[], None]) -> Any:
        self.callback = callback
        return self

    def cancel(self) -> None:
        self.callback = None

    def tick(self) -> None:
        assert self.callback is not None
        self.callback()


class FakeListener:
    def __init__(self, credentials: Any) -> None:
        self.credentials = credentials


def test_files_are_loaded_when_they_have_changed_and_rest(
    pair: tuple[str, str], with_pair: Callable[..., Config], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "fastserve")
    config, clock = with_pair(), Clock()
    listener = FakeListener(load(config))
    renewal = Renewal(clock, config, listener, 1)  # type: ignore[arg-type]
    renewal.start()
    first = listener.credentials
    clock.tick()
    assert listener.credentials is first
    key = Path(pair[1])
    whole = key.read_bytes()
    key.write_bytes(whole + b"\n")
    clock.tick()
    assert listener.credentials is first  # its certificate may be on its way
    key.write_bytes(whole)
    os.utime(key, ns=(1, 1))
    clock.tick()
    assert listener.credentials is first
    clock.tick()
    assert listener.credentials is not first
    loaded = listener.credentials
    key.unlink()
    for _ in range(4):
        clock.tick()
    key.write_bytes(whole)
    assert listener.credentials is loaded
    (error,) = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert error.endswith(f"Cannot use --ssl-keyfile {key}: No such file or directory")
    renewal.stop()
    assert clock.callback is None


def test_nothing_is_watched_where_nothing_can_change() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    config, clock = Config(app, ssl_context_factory=lambda config, default: context), Clock()
    renewal = Renewal(clock, config, FakeListener(load(config)), 1)  # type: ignore[arg-type]
    renewal.start()
    assert clock.callback is None
    renewal.stop()


# ---- names (RFC 4514) ----


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        ((), ""),
        (((("countryName", "DE"),), (("commonName", "a"),)), "CN=a,C=DE"),
        (((("commonName", "a"), ("userId", "7")),), "CN=a+UID=7"),
        (((("commonName", 'a,b+"c"\\;<>'),),), 'CN=a\\,b\\+\\"c\\"\\\\\\;\\<\\>'),
        (((("commonName", " a b "),),), "CN=\\ a b\\ "),
        (((("commonName", "#a#"),),), "CN=\\#a#"),
        (((("commonName", " "),),), "CN=\\ "),
        (((("commonName", "a\0=ä"),),), "CN=a\\00=ä"),
        (((("emailAddress", "a@b"),),), "emailAddress=a@b"),
    ],
)
def test_distinguished_names(subject: Any, text: str) -> None:
    assert distinguished_name(subject) == text


# ---- signals ----


@pytest.fixture
def before() -> Iterator[list[str]]:
    """The program's own handler of HUP, which must be there again at the end."""
    heard: list[str] = []

    def own(number: int, frame: FrameType | None) -> None:
        heard.append("program")

    previous = signal.signal(signal.SIGHUP, own)
    try:
        yield heard
        assert signal.getsignal(signal.SIGHUP) is own
    finally:
        signal.signal(signal.SIGHUP, previous)


def test_all_subscribers_hear_a_signal_and_the_program_too(before: list[str]) -> None:
    first = signals.subscribe(signal.SIGHUP, lambda: before.append("first"))
    second = signals.subscribe(signal.SIGHUP, lambda: before.append("second"))
    signal.raise_signal(signal.SIGHUP)
    assert before == ["first", "second", "program"]
    before.clear()
    first()
    signal.raise_signal(signal.SIGHUP)
    assert before == ["second", "program"]
    second()
    before.clear()
    signal.raise_signal(signal.SIGHUP)
    assert before == ["program"]


def test_in_another_thread_there_is_nothing_to_hear(before: list[str]) -> None:
    ends: list[Callable[[], None]] = []
    thread = threading.Thread(
        target=lambda: ends.append(signals.subscribe(signal.SIGHUP, lambda: before.append("thread")))
    )
    thread.start()
    thread.join()
    signal.raise_signal(signal.SIGHUP)
    assert before == ["program"]
    ends[0]()


# ---- what it costs who does without ----


def test_without_tls_nothing_of_it_is_imported() -> None:
    """The event loops import `ssl` themselves."""
    code = (
        "import sys, fastserve.cli, fastserve.options, fastserve.errors\n"
        "assert 'ssl' not in sys.modules\n"
        "import fastserve.server\n"
        "config = fastserve.server.Config(print)\n"
        "config.load()\n"
        "fastserve.server.Server(config)\n"
        "print([name for name in sys.modules if name.startswith('fastserve.tls')])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert shown.stdout == "[]\n"


def test_a_server_that_does_not_start_leaves_no_handler(with_pair: Callable[..., Config]) -> None:
    """What subscribes also unsubscribes, whatever happens in between."""
    from fastserve.server import Server

    async def main() -> None:
        server = Server(with_pair(port=0, access_log=False, lifespan="off"))
        await server.startup()
        assert signals._subscribers.keys() == {signal.SIGHUP}
        await server.shutdown()

    earlier = signal.getsignal(signal.SIGHUP)
    asyncio.run(main())
    assert signals._subscribers == {}
    assert signal.getsignal(signal.SIGHUP) == earlier
