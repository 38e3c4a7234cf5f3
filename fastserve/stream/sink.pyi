class ClientDisconnected(OSError):
    """The client is gone. Raised to an application that goes on sending (ASGI 3, "Disconnected Client")."""

class Sink:
    """One answer on its way out."""

    @property
    def status(self) -> int:
        """Of the answer; 0 until there is one."""

    @property
    def bytes_sent(self) -> int:
        """Of the answer's body."""

    @property
    def bytes_received(self) -> int:
        """Of the request's body."""

    @property
    def began_s(self) -> float:
        """When the request's head was complete, on the exact monotonic clock; 0 if nobody asks."""

    @property
    def first_byte_s(self) -> float:
        """When the answer's first byte went out, on that clock; 0 if none has, or nobody asks."""

    @property
    def ended_s(self) -> float:
        """When the answer was complete, or given up, on that clock; for observers, who hear of it then."""

    @property
    def thread_wait_s(self) -> float:
        """How long the request waited for a thread, in seconds; 0 if nobody notes where the time goes."""

    @property
    def body_wait_s(self) -> float:
        """How long it waited for its body."""

    @property
    def ran_s(self) -> float:
        """How long the application's own code ran."""

    @property
    def cpu_s(self) -> float:
        """How much of that it had a processor."""

    @property
    def client_wait_s(self) -> float:
        """How long the application waited for the client to take the answer."""

    @property
    def disconnected(self) -> bool:
        """Whether the client is gone, so that nothing that is sent arrives."""

    @property
    def file_error(self) -> Exception | None:
        """Why a file was not sent to its end."""

    @property
    def finished(self) -> bool:
        """Whether the answer is complete, or given up."""

class Observer:
    """Is told of every answer that ended, complete or not; implemented in Cython."""
