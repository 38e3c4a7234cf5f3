"""WebSocket, seen from outside: raw frames over real sockets, and real clients."""
