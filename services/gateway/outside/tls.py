"""How the gateway speaks TLS to those outside: whom it trusts, and who it is."""

import ssl
from pathlib import Path


def client_context(
    authority_file: str | Path | None,
    certificate_file: str | Path | None,
    key_file: str | Path | None,
) -> ssl.SSLContext:
    """TLS 1.2 or later, with a certificate of ours where there is one; the system's authorities
    where no other is named. The files are read now.

    OSError or `ssl.SSLError` when one cannot be used; a key with a password is such a file.
    """
    context = ssl.create_default_context(cafile=authority_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if certificate_file is not None:
        context.load_cert_chain(certificate_file, key_file, password="")
    return context
