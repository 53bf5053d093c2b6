"""The platform in containers, by `docker compose` on the project's `docker-compose.yml`.

`passwords` makes the secrets and `__main__` is `just compose`; `stack` is a platform of one run,
on which `demo` plays the season (`just compose-demo`).
"""
