from typing import TextIO

from typing_extensions import Self

class EnvironMaker:
    """Makes the environs of one application."""

    def __new__(
        cls,
        root_path: str,
        is_stripped: bool = True,
        multithread: bool = True,
        multiprocess: bool = False,
        errors: TextIO | None = None,
    ) -> Self: ...
