"""The meters of real machines, one file a source of energy or power."""
