"""What a workload's definition says, read and checked: one sentence for each thing that is wrong.

``options`` reads the adapter's options, ``authorization`` the secret that one of them names, and ``parameters`` the
values to be explored; ``settings`` keeps those in force, ``references`` finds what is named as ``module:name``, and
``template`` makes requests of a text.
"""
