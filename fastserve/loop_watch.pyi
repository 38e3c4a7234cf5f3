class LoopWatch:
    """Sees from a thread of its own that the event loop does not move on.

    :param threshold_s: from this time on a hold is told of, in seconds
    """

    @property
    def threshold_s(self) -> float: ...
    def __init__(self, threshold_s: float) -> None: ...
    def start(self) -> None:
        """Begins, on the loop's thread. Raises OSError if there can be no thread or no pipe."""

    def beat(self) -> None:
        """The loop moves on; on its thread, at least twice in threshold_s."""

    def begin_step(self) -> None:
        """A step of the application begins, on the loop's thread; for drivers that are not Cython."""

    def end_step(self) -> None:
        """It has ended."""

    def next_event(self) -> tuple[str, float, float, float, float, int] | None:
        """Waits, without the interpreter, for what happens next; None at the end. For one other thread.

        Returns "begun", "goes on" or "released"; and in seconds how long the loop has been held, without what
        others than the program are to blame for, and how long in all; how much of that its thread computed;
        how long the caller then had to wait for the interpreter's lock; and `moves` while it was held.
        """

    @property
    def moves(self) -> int:
        """A number that is another one whenever the loop has moved on."""

    def step_held_s(self) -> float:
        """For how long the step that runs has held the loop, if it is long enough to be told of; else 0. On
        its thread."""

    def stop(self) -> None:
        """Ends it; `next_event` returns None."""
