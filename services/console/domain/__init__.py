"""What the services told, put together: pure functions and one memory, without clock or I/O."""
