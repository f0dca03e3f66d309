"""What accounting costs and how stable it is: the split of millions of events, its overhead, shares from run to run.

    python -m benchmarks.accounting events [--events 10000000]
    python -m benchmarks.accounting overhead [MODEL …]
    python -m benchmarks.accounting stability [MODEL …] [--runs 6]

Networks are run on this machine's CPU with the best meter that it has. Nothing here decides a test.
"""
