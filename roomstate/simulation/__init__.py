"""Simulated traffic: what calls there are is planned by pure functions of a seed; playing the plan is apart."""
