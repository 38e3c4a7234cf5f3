"""With which certificate, key and rules does the server speak TLS?

Everything that can be wrong with the files and the options is told as one StartupError that names the option.
"""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from fastserve.errors import StartupError

__all__ = ["Credentials", "Settings", "Stamp", "load", "reason_of", "stamp"]

_PEM = re.compile(r"-----BEGIN CERTIFICATE-----\n.*?\n-----END CERTIFICATE-----\n?", re.DOTALL)
#: `--ssl-version`: what the `ssl` module's PROTOCOL_ constants of these numbers mean here.
_NEWEST = {
    int(ssl.PROTOCOL_TLS_SERVER): ssl.TLSVersion.MAXIMUM_SUPPORTED,
    2: ssl.TLSVersion.MAXIMUM_SUPPORTED,  # PROTOCOL_TLS: the same under its older name
    5: ssl.TLSVersion.TLSv1_2,  # PROTOCOL_TLSv1_2
}

#: Of each file: when it was changed, its size, its inode; None where it is not there.
Stamp = tuple[tuple[int, int, int] | None, ...]


class Settings(Protocol):
    """The options of these names, of a `fastserve.Config`."""

    ssl_keyfile: str | None
    ssl_certfile: str | None
    ssl_keyfile_password: str | None
    ssl_version: int
    ssl_cert_reqs: int
    ssl_ca_certs: str | None
    ssl_ciphers: str | None

    @property
    def ssl_context_factory(self) -> Callable[..., Any] | None: ...


@dataclass(frozen=True)
class Credentials:
    """A context, and what an application may want to know of it.

    `server_cert` is the certificate that the context sends, in PEM, or None where that is not known.
    `cipher_suites` maps OpenSSL's names to the numbers of the TLS specifications. `stamp` tells from which
    state of the files the context was made.
    """

    context: ssl.SSLContext
    server_cert: str | None
    cipher_suites: dict[str, int]
    stamp: Stamp


def load(config: Settings) -> Credentials:
    """Return credentials from the files as they are now. Raises StartupError."""
    before = stamp(config)
    server_cert = None
    if config.ssl_context_factory is None:
        context, server_cert = _context(config), _first_certificate(config)
    else:
        made: list[ssl.SSLContext] = []

        def default() -> ssl.SSLContext:
            made.append(_context(config))
            return made[-1]

        context = _made_by(config.ssl_context_factory, config, default)
        # A context that chooses by the name in the ClientHello may send another certificate.
        if context in made and context.sni_callback is None:
            server_cert = _first_certificate(config)
    suites = {str(cipher["name"]): int(cipher["id"]) & 0xFFFF for cipher in context.get_ciphers()}
    return Credentials(context, server_cert, suites, before)


def stamp(config: Settings) -> Stamp:
    """Return the state of the files that `config` names."""
    return tuple(
        _file_stamp(path) for path in (config.ssl_certfile, config.ssl_keyfile, config.ssl_ca_certs) if path
    )


def _file_stamp(path: str) -> tuple[int, int, int] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def _made_by(
    factory: Callable[..., object], config: Settings, default: Callable[[], object]
) -> ssl.SSLContext:
    try:
        context = factory(config, default)
    except StartupError:
        raise
    except Exception as error:
        raise StartupError(f"ssl_context_factory failed: {type(error).__name__}: {error}") from error
    if not isinstance(context, ssl.SSLContext):
        raise StartupError(f"ssl_context_factory returned {type(context).__name__}, not ssl.SSLContext")
    return context


def _context(config: Settings) -> ssl.SSLContext:
    certfile, ca_certs = config.ssl_certfile, config.ssl_ca_certs
    if not certfile:
        raise StartupError("--ssl-keyfile needs --ssl-certfile")
    if config.ssl_version not in _NEWEST:
        raise StartupError(
            f"--ssl-version {config.ssl_version} cannot be served: give 17 (TLS 1.2 and newer) or 5 (TLS 1.2)"
        )
    if config.ssl_cert_reqs != ssl.CERT_NONE and not ca_certs:
        raise StartupError(
            f"--ssl-cert-reqs {config.ssl_cert_reqs} needs --ssl-ca-certs: "
            "without it no client's certificate can be verified"
        )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.maximum_version = _NEWEST[config.ssl_version]
    # A client that renegotiates (TLS 1.2) costs the server far more than itself.
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["http/1.1"])
    _load_chain(context, certfile, config.ssl_keyfile, config.ssl_keyfile_password)
    context.verify_mode = ssl.VerifyMode(config.ssl_cert_reqs)
    if ca_certs:
        _trust(context, ca_certs, "--ssl-ca-certs")
    if config.ssl_ciphers:
        try:
            context.set_ciphers(config.ssl_ciphers)
        except ssl.SSLError as error:
            raise StartupError(f"Cannot use --ssl-ciphers {config.ssl_ciphers}: {reason_of(error)}") from None
    return context


def _load_chain(context: ssl.SSLContext, certfile: str, keyfile: str | None, password: str | None) -> None:
    # Only to judge it alone: what load_cert_chain() raises does not tell which of its files it is about.
    _trust(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), certfile, "--ssl-certfile")
    if keyfile:
        _readable(keyfile, "--ssl-keyfile")
    what = f"--ssl-keyfile {keyfile}" if keyfile else f"--ssl-certfile {certfile}"

    def answer() -> str:
        # Without this, OpenSSL would ask the terminal; a server that renews its certificate has none.
        if not password:
            raise StartupError(f"Cannot use {what}: the key is encrypted, give --ssl-keyfile-password")
        return password

    try:
        context.load_cert_chain(certfile, keyfile, answer)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise StartupError(f"Cannot use {what}: it is not the key of {certfile}") from None
        if error.reason is not None and error.reason.startswith(("EE_", "CA_")):  # too weak
            raise StartupError(f"Cannot use --ssl-certfile {certfile}: {reason_of(error)}") from None
        reason = reason_of(error) if error.reason else "it holds no private key in PEM that can be read"
        hint = " (is --ssl-keyfile-password right?)" if password else ""
        raise StartupError(f"Cannot use {what}: {reason}{hint}") from None
    except ValueError as error:  # the password is longer than OpenSSL takes
        raise StartupError(f"Cannot use {what}: {error}") from None


def _trust(context: ssl.SSLContext, path: str, option: str) -> None:
    _readable(path, option)
    try:
        context.load_verify_locations(path)
    except ssl.SSLError:
        raise StartupError(
            f"Cannot use {option} {path}: it holds no certificate in PEM, or a damaged one"
        ) from None


def _readable(path: str, option: str) -> None:
    """OpenSSL's own error would not tell which file it is about."""
    try:
        with open(path, "rb"):
            pass
    except OSError as error:
        raise StartupError(f"Cannot use {option} {path}: {error.strerror}") from None


def _first_certificate(config: Settings) -> str | None:
    """The server's own: a chain begins with it (RFC 8446, 4.4.2)."""
    assert config.ssl_certfile is not None
    try:
        with open(config.ssl_certfile, encoding="ascii", errors="replace") as file:
            found = _PEM.search(file.read())
    except OSError:
        return None
    return found[0] if found else None


def reason_of(error: ssl.SSLError) -> str:
    """OpenSSL's reason in plain words: `NO_SHARED_CIPHER` is "no shared cipher"."""
    reason = getattr(error, "reason", None)
    return reason.replace("_", " ").lower() if reason else str(error.args[-1])
