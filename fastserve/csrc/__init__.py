"""The C rooms as Cython sees them: one .pxd for each header of csrc/, holding what is used of it."""
