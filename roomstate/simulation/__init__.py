"""Simulated traffic: what happens in which room is planned by pure functions of a seed; playing it is apart."""
