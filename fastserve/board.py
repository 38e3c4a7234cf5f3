"""How many connections does each worker have?

Memory that all workers share. Each has a row, its slot, which nobody else writes while it lives, and reads
all of them: so there is no lock, and a worker that dies in the middle of anything leaves only numbers behind.
The supervisor gives the slots away and sees to those of the dead. The memory is a file without a name, as a
worker is a new interpreter, which gets its descriptor.
"""

from __future__ import annotations

import mmap
import os

__all__ = ["SLOTS_MAX", "Board", "Row"]

#: As many as there may be workers, old and new side by side.
SLOTS_MAX = 8192

#: What is in a row, each a signed number of eight bytes.
_TAKES, _OPEN, _ARRIVING, _TURNS = range(4)
_COLUMNS = 4
_CELL_BYTES = 8
#: Row 0 is the supervisor's: how many of the rows behind it to look at.
_BYTES = (SLOTS_MAX + 1) * _COLUMNS * _CELL_BYTES


class Row:
    """What one worker says of itself."""

    __slots__ = ("_cells", "open", "slot")

    def __init__(self, cells: memoryview, slot: int) -> None:
        begin = (slot + 1) * _COLUMNS
        self._cells = cells[begin : begin + _COLUMNS]
        #: One cell for the number of open connections, for whoever counts them.
        self.open = self._cells[_OPEN : _OPEN + 1]
        self.slot = slot

    @property
    def takes(self) -> bool:
        """Whether it takes connections at all."""
        return self._cells[_TAKES] != 0

    @takes.setter
    def takes(self, value: bool) -> None:
        self._cells[_TAKES] = int(value)

    @property
    def arriving(self) -> int:
        """How many connections it has taken that are not counted as open yet."""
        return self._cells[_ARRIVING]

    @arriving.setter
    def arriving(self, count: int) -> None:
        self._cells[_ARRIVING] = count

    @property
    def load(self) -> int:
        return self._cells[_OPEN] + self._cells[_ARRIVING]

    @property
    def turns(self) -> int:
        """A number that is another one whenever its event loop has turned: it can take something."""
        return self._cells[_TURNS]

    def turn(self) -> None:
        self._cells[_TURNS] += 1

    def clear(self) -> None:
        """Nobody is here."""
        for column in (_TAKES, _OPEN, _ARRIVING):
            self._cells[column] = 0


class Board:
    """All rows. Without a descriptor a new one, of the supervisor; with one, the same in a worker."""

    def __init__(self, descriptor: int | None = None) -> None:
        self._is_owner = descriptor is None
        if descriptor is None:
            descriptor = _nameless_file()
            os.ftruncate(descriptor, _BYTES)
        self.descriptor = descriptor
        self._cells = memoryview(mmap.mmap(descriptor, _BYTES)).cast("q")
        self._rows: list[Row] = []

    def fileno(self) -> int:
        return self.descriptor

    def row(self, slot: int) -> Row:
        """Return that of a slot below SLOTS_MAX."""
        while len(self._rows) <= slot:
            self._rows.append(Row(self._cells, len(self._rows)))
        return self._rows[slot]

    def taken(self, slot: int) -> Row:
        """Return the cleared row of a slot that is given away now; for the supervisor only."""
        row = self.row(slot)
        row.clear()
        self._cells[0] = max(self._cells[0], slot + 1)
        return row

    def rows(self) -> list[Row]:
        """Return those of the workers that take connections."""
        count = self._cells[0]
        if count > len(self._rows):
            self.row(count - 1)
        return [row for row in self._rows[:count] if row.takes]


def _nameless_file() -> int:
    if hasattr(os, "memfd_create"):
        return os.memfd_create("fastserve workers", os.MFD_CLOEXEC)
    import tempfile  # large, and hardly needed

    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())
