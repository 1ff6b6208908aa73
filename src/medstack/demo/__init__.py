"""A practice nobody has: synthetic people, visits and files to show MedStack with."""
