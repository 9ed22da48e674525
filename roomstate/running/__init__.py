"""Running the parts of the pipeline as processes: starting, watching, stopping."""
