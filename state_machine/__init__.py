"""The pure core: what a room is, how an input is judged, and what follows from it.

Nothing here reads a clock, a random source, a file or a network; time and ids are arguments.
Source: design section 4 (the state machine) and section 5 (leases, admission, decisions).
"""
