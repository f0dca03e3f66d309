"""What a model that never ran costs: predicted for its primitive operations, and from them up its tree of modules."""
