from fastserve.stream.sink import Sink

class MessageSink(Sink):
    """The server's side of messages, of one request that became a WebSocket."""

    @property
    def subprotocols(self) -> list[str]:
        """The client's offers, in its order."""

    @property
    def ending(self) -> bool:
        """Whether no message will come any more, and the client waits to be told so."""

class MessageDriver:
    """Runs an application that speaks in messages; implemented in Cython."""

class Upgrade:
    """Knows which requests become something else, and what; implemented in Cython."""

    @property
    def answer_timeout_s(self) -> float:
        """How long a request may wait to be accepted or answered; 0 for ever."""

    @property
    def timeout_min_s(self) -> float:
        """The shortest of all its deadlines, 0 without any."""
