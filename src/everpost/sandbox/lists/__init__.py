"""The lists that sandbox providers keep of whom they write to no more, each in its own form: one file a provider."""
