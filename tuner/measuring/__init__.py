"""The measuring procedure: one configuration in, one trial out."""
