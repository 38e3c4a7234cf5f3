"""Nothing here is for Python: `build_request` is Cython's alone (parser.pxd)."""
