"""What is true at the doors, what may change, and why not: pure code only."""
