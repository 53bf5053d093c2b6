"""How the gateway speaks TLS with those outside: whom it trusts, and who it is."""

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


def server_context(
    authority_file: str | Path, certificate_file: str | Path, key_file: str | Path
) -> ssl.SSLContext:
    """TLS 1.2 or 1.3 for callers that show a certificate of these authorities. The files are read
    now; OSError or `ssl.SSLError` when one cannot be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.maximum_version = ssl.TLSVersion.TLSv1_3
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(authority_file)
    context.load_cert_chain(certificate_file, key_file, password="")
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["http/1.1"])
    return context
