"""Durable things: the event log, the store and what travels between them."""
