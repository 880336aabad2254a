"""What all workers together know of the accounts. May be lost at any time at the cost of a few failed attempts."""
