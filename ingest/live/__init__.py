"""The live page: its files, the feed of what is going on now, and the panels' numbers."""
