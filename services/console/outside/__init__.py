"""How the console asks the services, over HTTP, and where they are."""
