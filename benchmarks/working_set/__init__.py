"""Whether time per datum bends where the working sets say: sweeps of fully-connected networks on this machine's CPU.

    python -m benchmarks.working_set [--turns 9] [--rows FILE] [--picture FILE] [--json]
    python -m benchmarks.working_set --from FILE        # shows rows that were kept, without measuring

One core. The sizes take turns and the shortest time of each counts, so that what else runs on the machine disturbs
little; it still takes its share of the last cache. What the caches hold in effect is read from memory reads that know
no network (``tuner.energy_model.working_set.probe``), in the same minute.
"""
