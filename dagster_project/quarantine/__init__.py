"""`leadhouse quarantine`: the rows that could not be read, as a place to work. Importing this imports nothing else."""
