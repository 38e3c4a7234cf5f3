"""How does the seam (`fastserve.stream`) map to WSGI?"""
