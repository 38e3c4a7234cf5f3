"""The benchmark's own tests: what it says must be what was measured."""
