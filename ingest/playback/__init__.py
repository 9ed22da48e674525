"""Playback sessions of accounts: how much one user plays at once. Source: contract 1, decisions 8.1 to 8.6."""
