"""The native interface: inputs in, rooms, sessions and the accounting out, at `/v1`."""
