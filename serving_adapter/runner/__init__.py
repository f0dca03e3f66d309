"""The unprivileged process in which an adapter lives, and its client.

``__main__`` starts it, ``program`` answers calls, ``protocol`` is what crosses, ``process`` and ``client`` are the
daemon's side.
"""
