"""One module for each library or family; see scenario.py."""
