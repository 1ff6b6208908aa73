"""All SQL of this room, one file a subject."""
