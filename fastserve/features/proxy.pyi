from collections.abc import Container

from fastserve.features.trust import TrustedPeers
from fastserve.stream.filter import RequestFilter

class ProxyHeaders(RequestFilter):
    """Believes what trusted peers say of a request's way."""

    def __init__(
        self, trusted: TrustedPeers, names: Container[str], strangers: RequestFilter | None = None
    ) -> None: ...

class Stripper(RequestFilter):
    """Removes whatever might be taken for a proxy's word."""

def proxy_filter(
    allowed: str, names: Container[str], reads: bool, strip_untrusted: bool
) -> tuple[RequestFilter | None, list[str]]:
    """What the options ask for, or None; and the entries of `allowed` that mean nothing."""
