"""What is true of figures: frozen structs and pure functions, without I/O, clock or random."""
