"""The foreign facts that membership understands: none. It is where the chain begins."""
