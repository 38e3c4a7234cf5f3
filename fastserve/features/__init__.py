"""What watches streams without being part of serving them."""
