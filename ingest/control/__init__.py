"""Session control: contract 4, operators list and end sessions of every kind."""
