"""Stands in for `curl` where there is none: the few options that the documents use."""

import argparse
import ssl
import sys

import httpx


def main() -> int:
    """Send one request and print what comes back; 22 when it is refused, as `curl --fail` does."""
    parser = argparse.ArgumentParser(prog="curl", allow_abbrev=False)
    parser.add_argument("url")
    parser.add_argument("-s", "-S", "-sS", action="store_true", dest="is_silent")
    parser.add_argument("-X", dest="method")
    parser.add_argument("-H", action="append", default=[], dest="headers")
    parser.add_argument("-d", choices=["@-"], dest="data", help="only what stands in the input")
    parser.add_argument("--cacert")
    parser.add_argument("--cert")
    parser.add_argument("--key")
    options = parser.parse_args()
    verify = ssl.create_default_context(cafile=options.cacert)
    if options.cert:
        verify.load_cert_chain(options.cert, options.key)
    body = sys.stdin.read().replace("\n", "") if options.data else None
    answer = httpx.request(
        options.method or ("GET" if body is None else "POST"),
        options.url,
        content=body,
        headers=dict(header.split(": ", 1) for header in options.headers),
        timeout=30,
        trust_env=False,
        verify=verify,
    )
    sys.stdout.write(answer.text)
    return 0 if answer.is_success else 22


if __name__ == "__main__":
    sys.exit(main())
