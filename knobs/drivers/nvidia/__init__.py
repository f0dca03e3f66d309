"""Discrete NVIDIA GPUs, through NVIDIA's management library (NVML) and its official Python binding.

Source of every rule here: nvml.h as NVIDIA publishes it with the CUDA toolkit, and the NVML API reference. GPUs of
one kind are one device set: their knobs are set alike and their meters are added up. A lock or limit is the whole
GPU's, whatever MIG instances it is cut into, and it outlives the process that set it; with persistence mode off
it lives as long as some process keeps the library open, which is why a keeper never closes it.
"""
