"""Energy that follows from other things than a meter in its place: models, and what their errors are."""
