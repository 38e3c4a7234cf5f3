"""How is a connection encrypted? (RFC 5246, RFC 8446)"""
