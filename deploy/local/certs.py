"""`just certs`: an authority of one's own, with certificates and a revocation list, to try the
FHIR doors over mutual TLS. In production they come from IGC-Santé, and none of this is used.

| file                          | what it is                                                       |
|-------------------------------|------------------------------------------------------------------|
| `authority.pem`, `.crl`       | who signed all of them, and what it took back                    |
| `gateway.pem`, `.key`         | the doors' own                                                   |
| `platform.pem`, `.key`        | of a platform that may call                                      |
| `wrong-name`, `wrong-unit`    | of a platform whose CN, whose OU the doors do not know           |
| `revoked`                     | of the platform too, but taken back                              |
| `doors.toml`                  | what `CPTS_DOORS` names                                          |
"""

import argparse
import ipaddress
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from deploy.local.folders import make_folder, replace_file
from deploy.local.services import ROOT

GOOD_FOR = timedelta(days=365)
RENEWED_BEFORE = timedelta(days=30)
PORT = 18443
NAME, UNIT = "sas.demo.example", "318751275100020"
CLIENTS = {
    "platform": (NAME, UNIT),
    "wrong-name": ("other.demo.example", UNIT),
    "wrong-unit": (NAME, "300000000000000"),
    "revoked": (NAME, UNIT),
}
DOORS = """\
host = "{host}"
port = {port}
certificate_file = "gateway.pem"
key_file = "gateway.key"
authority_file = "authority.pem"
revocation_files = ["authority.crl"]

[[caller]]
name = "sas-demo"
common_name = "{name}"
organizational_unit = "{unit}"
"""
Key = ec.EllipticCurvePrivateKey


class NotThere(Exception):  # noqa: N818 - a sentence about a folder
    """No certificate of that name is in the folder."""


def make(
    folder: Path, *, port: int = PORT, host: str = "127.0.0.1", names: Sequence[str] = ()
) -> Path:
    """The certificates in a folder, those that are there and good for a month kept; the file that
    `CPTS_DOORS` names is written anew. `names` are further ones of the gateway's host.
    """
    make_folder(folder)
    authority = folder / "authority.pem"
    if not authority.exists() or not _lasts(authority):
        key = ec.generate_private_key(ec.SECP256R1())
        own = _name("CPTS demonstration authority")
        _keep(folder, "authority", key, _signed(own, key, own, key, authority=True))
        _issue(folder, "gateway", _name("gateway"), names=("localhost", "127.0.0.1", *names))
        for client, (common_name, unit) in CLIENTS.items():
            _issue(folder, client, _name(common_name, unit))
        _write_list(folder, [_certificate(folder, "revoked").serial_number])
    doors = DOORS.format(host=host, port=port, name=NAME, unit=UNIT)
    replace_file(folder / "doors.toml", doors.encode())
    return folder / "doors.toml"


def issue(folder: Path, name: str, common_name: str, names: Sequence[str] = ()) -> None:
    """One more certificate of the authority in the folder, where there is none of that name: of a
    server that has names, else of a client.
    """
    if not (folder / f"{name}.pem").exists():
        _issue(folder, name, _name(common_name), names)


def revoke(folder: Path, name: str) -> None:
    """Take a certificate back: the list is written anew, and a gateway that runs reads it."""
    try:
        serial = _certificate(folder, name).serial_number
        former = x509.load_pem_x509_crl((folder / "authority.crl").read_bytes())
    except FileNotFoundError as error:
        raise NotThere(f"there is no {error.filename}: `just certs` makes them") from None
    _write_list(folder, [*(one.serial_number for one in former), serial])


def _lasts(path: Path) -> bool:
    found = x509.load_pem_x509_certificate(path.read_bytes())
    return found.not_valid_after_utc - RENEWED_BEFORE > datetime.now(UTC)


def _name(common_name: str, unit: str = "") -> x509.Name:
    told = [(NameOID.COUNTRY_NAME, "FR"), (NameOID.ORGANIZATION_NAME, "CPTS demonstration")]
    told += [(NameOID.ORGANIZATIONAL_UNIT_NAME, unit)] if unit else []
    told += [(NameOID.COMMON_NAME, common_name)]
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in told])


def _certificate(folder: Path, name: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate((folder / f"{name}.pem").read_bytes())


def _key(folder: Path, name: str) -> Key:
    found = serialization.load_pem_private_key((folder / f"{name}.key").read_bytes(), None)
    assert isinstance(found, Key)
    return found


def _issue(folder: Path, name: str, subject: x509.Name, names: Sequence[str] = ()) -> None:
    """A certificate that the authority signs: of a server that has names, else of a client."""
    key = ec.generate_private_key(ec.SECP256R1())
    authority = _certificate(folder, "authority")
    signed = _signed(subject, key, authority.subject, _key(folder, "authority"), names=names)
    _keep(folder, name, key, signed)


def _signed(
    subject: x509.Name,
    key: Key,
    issuer: x509.Name,
    issuer_key: Key,
    *,
    authority: bool = False,
    names: Sequence[str] = (),
) -> x509.Certificate:
    now = datetime.now(UTC)
    signs_by = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
    usage = {
        "digital_signature": not authority,
        "key_cert_sign": authority,
        "crl_sign": authority,
        **dict.fromkeys(("content_commitment", "key_encipherment", "data_encipherment"), False),
        **dict.fromkeys(("key_agreement", "encipher_only", "decipher_only"), False),
    }
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + GOOD_FOR)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(**usage), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(signs_by, critical=False)
    )
    if not authority:
        purpose = ExtendedKeyUsageOID.SERVER_AUTH if names else ExtendedKeyUsageOID.CLIENT_AUTH
        builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
    if names:
        told = [_general(one) for one in dict.fromkeys(names)]
        builder = builder.add_extension(x509.SubjectAlternativeName(told), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _keep(folder: Path, name: str, key: Key, certificate: x509.Certificate) -> None:
    secret = folder / f"{name}.key"
    secret.touch(0o600)
    secret.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    path = folder / f"{name}.pem"
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


def _write_list(folder: Path, serials: Sequence[int]) -> None:
    now = datetime.now(UTC)
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(_certificate(folder, "authority").subject)
        .last_update(now)
        .next_update(now + GOOD_FOR)
    )
    for serial in dict.fromkeys(serials):
        one = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(now)
        builder = builder.add_revoked_certificate(one.build())
    signed = builder.sign(_key(folder, "authority"), hashes.SHA256())
    replace_file(folder / "authority.crl", signed.public_bytes(serialization.Encoding.PEM))


def main(arguments: Sequence[str] | None = None) -> int:
    """Make them, or take one back; 1 when that one is not there."""
    parser = argparse.ArgumentParser(
        prog="just certs",
        description="Make an authority, certificates, a revocation list and doors.toml to try the "
        "FHIR doors over mutual TLS. What is there and good for a month is kept. Not for "
        "production: there they come from IGC-Santé.",
    )
    parser.add_argument(
        "folder", nargs="?", type=Path, default=ROOT / "var/certs", help="default var/certs"
    )
    parser.add_argument(
        "--port", type=int, default=PORT, help="the port of the doors, default %(default)s"
    )
    parser.add_argument(
        "--host", default="127.0.0.1", help="where the doors listen, default %(default)s"
    )
    parser.add_argument(
        "--name", action="append", default=[], help="a further name or address of the gateway"
    )
    parser.add_argument("--revoke", metavar="NAME", help="take one back: platform, wrong-name …")
    options = parser.parse_args(arguments)
    if options.revoke:
        try:
            revoke(options.folder, options.revoke)
        except NotThere as error:
            print(error, file=sys.stderr)
            return 1
        print(f"{options.folder / 'authority.crl'}: {options.revoke} is taken back")
        return 0
    doors = make(options.folder, port=options.port, host=options.host, names=options.name)
    print(f"{options.folder}: authority, gateway, {', '.join(CLIENTS)}")
    print(f"CPTS_DOORS={doors}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
