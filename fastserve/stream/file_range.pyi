from typing_extensions import Self

class FileRange:
    """A part of an open file; made in Cython."""

    def __new__(cls) -> Self: ...
    @property
    def descriptor(self) -> int:
        """The file's, -1 once it is closed."""

    @property
    def offset(self) -> int:
        """Where what is left begins, in bytes."""

    @property
    def size(self) -> int:
        """How much is left, in bytes."""
