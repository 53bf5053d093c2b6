"""`just aci`: what the caisse does by the file and by the hundred, over HTTP, from a terminal."""
