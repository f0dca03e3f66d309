"""Clocks of the CPUs: the kernel's cpufreq policies (Documentation/admin-guide/pm/cpufreq.rst)."""
