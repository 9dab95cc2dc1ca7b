"""CPython's test mixins against our classes, paired with each other and with asyncio's C and pure-Python ones."""
