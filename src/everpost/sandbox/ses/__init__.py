"""Amazon SES for the laptop and the tests: `api` takes its mail."""
