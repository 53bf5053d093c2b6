"""The services of the chain from SAS demands to the variable funding of the CPTS."""
