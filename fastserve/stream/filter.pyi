class RequestFilter:
    """Corrects a request that a protocol has just filled in."""
