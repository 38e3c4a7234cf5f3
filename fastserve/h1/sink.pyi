from fastserve.net.backlog import Backlog
from fastserve.net.file_sender import FileSender
from fastserve.stream.sink import Sink

class Channel(Backlog):
    """What an H1Sink needs of its connection."""

class H1Sink(Sink):
    """The answer to one HTTP/1 request."""

class BodyFile(FileSender):
    """The file that is an answer's body."""
