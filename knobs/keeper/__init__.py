"""The small process, usually root's, that alone writes to hardware. Imports nothing but the standard library."""
