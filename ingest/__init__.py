"""The HTTP edge: what clients post becomes durable inputs, and what is asked is answered from the store."""
