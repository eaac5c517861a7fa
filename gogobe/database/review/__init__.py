"""Human decisions about masters: pairs to review, merges that can be undone, and their CSV form."""
