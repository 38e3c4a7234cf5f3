from fastserve.net.endpoint import Peer

class Backlog(Peer):
    """A connection that lets bytes wait."""
