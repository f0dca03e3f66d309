"""What of a network must be at hand at the same time, where the device can hold it, and what that costs."""
