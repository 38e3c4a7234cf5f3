from typing_extensions import Self

class ThreadClock:
    """What the thread that makes it has computed."""

    def __new__(cls) -> Self: ...

class Times:
    """Where the time of one request in a thread goes."""
