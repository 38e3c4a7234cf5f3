"""How does a request look that came through a proxy?

Whom to believe, and what the headers mean, is read by fastserve/features/trust.py and forwarded.py, which the
fast server asks too. Here is who asks them, for which requests, and what becomes of the answer.
"""

from __future__ import annotations

from collections.abc import Container

from fastserve.features.forwarded import Fields, origin_of
from fastserve.features.trust import TrustedPeers
from fastserve.reference.seam import Address, Request, RequestFilter

__all__ = ["ProxyHeaders", "Stripper", "proxy_filter"]

#: In the order of forwarded.Fields.
_READ = (b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host", b"x-forwarded-port", b"forwarded")


class ProxyHeaders(RequestFilter):
    """Believes what trusted peers say of a request's way; `names` are the headers that are read, and
    `strangers` is the filter of all other peers' requests."""

    def __init__(
        self, trusted: TrustedPeers, names: Container[str], strangers: RequestFilter | None = None
    ) -> None:
        self._trusted = trusted
        self._names = [name if name.decode("ascii") in names else None for name in _READ]
        self._strangers = strangers

    def for_connection(self, client: tuple[str, int] | None, server: Address | None) -> RequestFilter | None:
        return self if self._trusted.trusts(client, server) else self._strangers

    def apply(self, request: Request) -> None:
        # Lines of one name are one list (RFC 9110, 5.3).
        values = [[value for name, value in request.headers if name == read] for read in self._names]
        origin = origin_of(
            Fields(*(b",".join(lines) if lines else None for lines in values)), request.scheme, self._trusted
        )
        request.client = origin.client or request.client
        request.scheme = origin.scheme or request.scheme
        if origin.server is not None and origin.authority is not None:
            request.server = origin.server
            _replace_host(request, origin.authority)
        elif origin.server_port and request.server is not None and request.server[1] is not None:
            request.server = (request.server[0], origin.server_port)


def _replace_host(request: Request, authority: bytes) -> None:
    names = [name for name, _ in request.headers]
    if b"host" in names:
        request.headers[names.index(b"host")] = (b"host", authority)
    else:  # HTTP/1.0 needs none
        request.headers.append((b"host", authority))


class Stripper(RequestFilter):
    """Removes whatever might be taken for a proxy's word."""

    def for_connection(self, client: tuple[str, int] | None, server: Address | None) -> RequestFilter:
        return self

    def apply(self, request: Request) -> None:
        request.headers = [field for field in request.headers if not _is_of_proxies(field[0])]


def _is_of_proxies(name: bytes) -> bool:
    return name in (b"forwarded", b"x-real-ip") or name.startswith(b"x-forwarded-")


def proxy_filter(
    allowed: str, names: Container[str], reads: bool, strip_untrusted: bool
) -> tuple[RequestFilter | None, list[str]]:
    """What the options ask for, or None; and the entries of `allowed` that mean nothing."""
    strangers = Stripper() if strip_untrusted else None
    if not reads:
        return strangers, []
    trusted = TrustedPeers(allowed)
    return ProxyHeaders(trusted, names, strangers), trusted.rejected
