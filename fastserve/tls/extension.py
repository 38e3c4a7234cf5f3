"""What may an application know of its connection's TLS session? (ASGI's TLS extension 0.2; RFC 4514)"""

from __future__ import annotations

import ssl
from typing import Any

from fastserve.tls.credentials import Credentials

__all__ = ["distinguished_name", "facts"]

_VERSIONS = {"TLSv1": 0x0301, "TLSv1.1": 0x0302, "TLSv1.2": 0x0303, "TLSv1.3": 0x0304}
#: OpenSSL's long names of attribute types, and their names in RFC 4514, section 3.
_TYPES = {
    "commonName": "CN",
    "localityName": "L",
    "stateOrProvinceName": "ST",
    "organizationName": "O",
    "organizationalUnitName": "OU",
    "countryName": "C",
    "streetAddress": "STREET",
    "domainComponent": "DC",
    "userId": "UID",
}
_ESCAPED = frozenset('"+,;<>\\')


def facts(ssl_object: ssl.SSLObject, credentials: Credentials) -> dict[str, Any]:
    """Return the extension's value for a connection whose handshake is complete.

    A certificate that does not verify ends the handshake, so that `client_cert_error` is always None.
    """
    cipher = ssl_object.cipher()
    chain = _client_chain(ssl_object)
    return {
        "server_cert": credentials.server_cert,
        "client_cert_chain": chain,
        "client_cert_name": _subject(ssl_object) if chain else None,
        "client_cert_error": None,
        "tls_version": _VERSIONS.get(ssl_object.version() or ""),
        "cipher_suite": credentials.cipher_suites.get(cipher[0]) if cipher else None,
    }


def _client_chain(ssl_object: ssl.SSLObject) -> tuple[str, ...]:
    """The client's certificate in PEM, and behind it (CPython 3.13 and newer) what else it sent.

    A resumed session has kept the client's own only.
    """
    own = ssl_object.getpeercert(binary_form=True)
    if own is None:
        return ()
    # The name that mypy's oldest supported Python does not have.
    chain = getattr(ssl_object, "get_unverified_chain", list)() or [own]
    return tuple(ssl.DER_cert_to_PEM_cert(certificate) for certificate in chain)


def _subject(ssl_object: ssl.SSLObject) -> str:
    decoded = ssl_object.getpeercert()
    assert decoded is not None
    return distinguished_name(decoded["subject"])  # type: ignore[arg-type]


def distinguished_name(subject: tuple[tuple[tuple[str, str], ...], ...]) -> str:
    """Return a name, as `getpeercert()` tells it, in one text, its last part first (RFC 4514, 2.1)."""
    return ",".join(
        "+".join(f"{_TYPES.get(kind, kind)}={_value(value)}" for kind, value in part)
        for part in reversed(subject)
    )


def _value(text: str) -> str:
    """Escape what would end the value, or be lost at its ends (RFC 4514, 2.4)."""
    last = len(text) - 1
    return "".join(
        "\\00"
        if char == "\0"
        else "\\" + char
        if char in _ESCAPED or (char == " " and at in (0, last)) or (char == "#" and at == 0)
        else char
        for at, char in enumerate(text)
    )
