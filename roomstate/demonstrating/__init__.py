"""`roomstate demo`: the whole pipeline, traffic through it, and what an analyst would ask of it first."""
