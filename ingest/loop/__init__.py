"""The Loop contract (Firefox Hello rooms): contracts 2 and 3, at `/` and under `/v0`."""
