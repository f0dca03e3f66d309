"""What the daemon does: studies one after the other, on one machine, with the processes that they need."""
