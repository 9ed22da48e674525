"""The real embedded store, started once for the whole test run."""
