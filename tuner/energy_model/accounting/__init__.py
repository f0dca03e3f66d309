"""Which operator of a model used the joules: the meter's samples split over the timeline of the profiler."""
