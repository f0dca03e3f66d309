"""The knobs of real machines, one file a mechanism of the kernel or a vendor's library."""
