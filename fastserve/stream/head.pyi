class Head:
    """A head of an answer, checked and spelled."""
