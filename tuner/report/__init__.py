"""A study for human eyes: words and tables for the terminal; HTML, PNG, CSV and JSON for the desk."""
