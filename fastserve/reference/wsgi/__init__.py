"""How does the seam map to WSGI? In plain Python; the files have the names of those in fastserve/wsgi."""
