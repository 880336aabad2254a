"""The native API: its mail in `mail`, what it takes in the schemas, what it gives in the views."""
