"""What the gateway sends to systems of others, by itself."""
