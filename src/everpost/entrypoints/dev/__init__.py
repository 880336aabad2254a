"""What `everpost dev` has beside the server of production: faults to put, and a drill to run."""
