"""What adapters share that run a model in the runner's own process."""
