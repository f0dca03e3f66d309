"""The hardware: what can be set and what can be read. Imports nothing else of Wattune."""
