"""Comparing log and store: independent of the processor, in bounded memory."""
