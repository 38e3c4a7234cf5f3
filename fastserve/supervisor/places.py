"""Where does each worker accept connections?

All on the same sockets; or, with `--reuse-port`, each on a set of its own, of which there are as many as
workers at the start. A set is never closed while the server runs, as what waits in its queue would be lost:
its worker's successor accepts from it, and while there is none, because the worker is gone or blocked, or
there are fewer workers than sets, another worker does so too. Every worker has all sets, and is told which
ones are its own.

Each worker also has a slot of the board (`board.py`), and both ends of the stream in which workers pass
connections on to each other.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fastserve.board import SLOTS_MAX, Board

if TYPE_CHECKING:
    from fastserve.sockets import Binding

__all__ = ["Place", "Places"]


class Place:
    """That of one worker: its slot, and the numbers of its sets of sockets."""

    def __init__(self, slot: int, sets: Sequence[int]) -> None:
        self.slot = slot
        self.sets = [*sets]


class Places:
    """Those of all workers, who accept from the sockets of `binding`."""

    def __init__(self, binding: Binding) -> None:
        self._shared, self._sets = binding.shared, binding.sets
        self._board = Board()
        self._ends = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        self._places: dict[int, Place] = {}

    @property
    def files(self) -> list[Any]:
        """What a worker gets the descriptors of, in the order in which its order tells of them."""
        return [self._board, *self._ends, *self._shared, *(sock for one in self._sets for sock in one)]

    def order(self, place: Place) -> dict[str, Any]:
        """Return what a worker has to know of its place and of `files`."""
        return {
            "slot": place.slot,
            "shared": len(self._shared),
            "sets": [len(one) for one in self._sets],
            "listens": place.sets,
        }

    def free(self, replaced: int | None) -> Place:
        """Return a place for a new worker, which may replace the one with this number."""
        used = {place.slot for place in self._places.values()}
        slot = next(slot for slot in range(SLOTS_MAX) if slot not in used)
        self._board.taken(slot)
        if replaced in self._places:
            return Place(slot, self._places[replaced].sets)
        counts = dict.fromkeys(self._numbers, 0)
        for place in self._places.values():
            for number in place.sets:
                counts[number] += 1
        return Place(slot, sorted(counts, key=counts.__getitem__)[:1])

    def take(self, pid: int, place: Place) -> None:
        self._places[pid] = place

    def leave(self, pid: int) -> None:
        """Take note that a worker has ended, if it had a place."""
        place = self._places.pop(pid, None)
        if place is not None:
            self._board.row(place.slot).clear()

    def spread(self, accepting: Iterable[int]) -> Mapping[int, list[int]]:
        """See to it that somebody who accepts now listens on each set; return whose sets have changed."""
        places = {pid: self._places[pid] for pid in accepting}
        before = {pid: [*place.sets] for pid, place in places.items()}
        if not places:
            return {}
        for number in self._numbers:
            if not any(number in place.sets for place in places.values()):
                min(places.values(), key=lambda place: len(place.sets)).sets.append(number)
        for place in places.values():
            for number in [*place.sets]:
                listening = sum(number in other.sets for other in places.values())
                if listening > 1 and len(place.sets) > 1:
                    place.sets.remove(number)
        return {pid: place.sets for pid, place in places.items() if place.sets != before[pid]}

    @property
    def _numbers(self) -> range:
        return range(len(self._sets))
