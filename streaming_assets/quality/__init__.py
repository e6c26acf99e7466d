"""What holds for the tables: expectations derived from the contracts, and numbers that agree from stage to stage."""
