from fastserve.net.backlog import Backlog
from fastserve.stream.sink import Sink

class Channel(Backlog):
    """What an H1Sink needs of its connection."""

class H1Sink(Sink):
    """The answer to one HTTP/1 request."""
