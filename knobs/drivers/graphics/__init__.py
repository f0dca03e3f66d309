"""What GPU drivers of the kernel's DRM subsystem have in common: cards, their names, and power limits."""
