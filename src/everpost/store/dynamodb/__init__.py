"""A store in one DynamoDB table, for functions that share nothing else."""
