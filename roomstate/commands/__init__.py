"""What a person types: each command's words and options; the work is done elsewhere."""
