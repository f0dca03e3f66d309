"""What a model is to the energy model: a tree of modules, and the primitive operations that they run."""
