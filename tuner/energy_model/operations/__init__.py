"""What a model costs in transistor operations, and what these cost in joules on a device."""
