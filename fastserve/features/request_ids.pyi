from fastserve.features.trust import TrustedPeers
from fastserve.stream.filter import RequestFilter

class RequestIds(RequestFilter):
    """Gives each request an identifier, which trusted peers may have chosen.

    :param trusted: whose ``X-Request-ID`` and ``traceparent`` count
    :param inner: the filter that goes first, or None
    """

    def __init__(self, trusted: TrustedPeers, inner: RequestFilter | None = None) -> None: ...
