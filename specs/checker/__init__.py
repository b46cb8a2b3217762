"""What `specs/check` is made of. Python's standard library only."""
