"""The page of the person on call: asks the services how they do, and shows it as it changes."""
