"""How far what a window says can be trusted: streams whose truth is known exactly, measured thousands of times."""
