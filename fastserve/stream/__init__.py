"""The seam between protocols and applications: neither knows the other."""
