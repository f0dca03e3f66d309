"""What the load generators can do: how fast, how punctually, and whether their timer tells the truth.

Every figure is a ratio of two things that were measured in one run, so that it holds on a slow machine as well, and
says what was compared. Nothing here decides a test: a machine that is busy with something else is late.

    python -m benchmarks.serving [--json] [--seconds 3] [--queries 1000]
"""
