"""How the cases are measured and how the figures are reported."""
