"""Joules of a wider scope than the meter sees: two coefficients, fitted to a recording of both."""
