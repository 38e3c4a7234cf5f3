class Stream:
    """One request in the hands of a driver."""

class Driver:
    """Runs an application, one Stream a request; implemented in Cython."""

    def in_flight(self) -> int:
        """How many requests have not ended, those included that were answered and go on working."""

    def cancel_all(self) -> int:
        """Cancels the requests in flight; returns how many."""

    def close(self) -> int:
        """Nothing more will be asked of it."""
