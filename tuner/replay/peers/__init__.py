"""General optimizers on a finite pool, each as well used as we can: the yardsticks of the benchmark, not of a study."""
