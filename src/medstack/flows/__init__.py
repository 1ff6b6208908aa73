"""One story a file, told top to bottom in a clinician's words. Only flows open transactions."""
