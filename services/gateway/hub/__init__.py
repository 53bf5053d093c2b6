"""The bridge to the Hub Santé, over AMQP 0-9-1."""
