"""`roomstate chaos`: breaks a pipeline of its own in many ways, and shows that nothing accepted is lost or doubled."""
