"""Serving: adapters that drive a model or a server, the load that is put on them, and the process they live in.

An operator's file names one of the adapters, each of which says in its own module what can be told to it:

* ``torch_module`` and ``onnx_runtime``: models in the runner's own process (``in_process`` is what they share);
* ``kserve``, ``openai``, ``http_endpoint`` and ``prometheus``: servers (``server``, ``web`` and ``metrics``);
* ``command``: a program.

``contract`` is what all of them honour, ``definition`` reads what the file says, ``scenario`` generates load, and
``runner`` is the process. All of it runs with the workload's own interpreter (Python 3.8 or later), needs nothing but
the standard library and what the workload itself needs, and imports nothing else of Wattune. ``example_models`` and
``export_example`` are there to try it with.
"""
