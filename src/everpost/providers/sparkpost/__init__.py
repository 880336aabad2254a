"""SparkPost: `adapter` says how mail is handed to it."""
