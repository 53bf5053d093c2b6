"""The public extracts of the national directory, given to membership by `just directory`."""
