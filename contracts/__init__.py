"""What the services share about the domain: events, topics, départements and communes."""
