"""What a WSGI application sees of the server, and its client of the application. (PEP 3333)"""
