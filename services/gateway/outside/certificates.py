"""Whether a client's certificate still holds: its dates, its chain, the lists of what was revoked.

OpenSSL has verified the chain when a connection begins. Here it is asked at each call, so that a
list that comes while a connection stays open, or is resumed, counts from the next call on. The
lists are read again when a file of theirs changes; a file that cannot be read leaves the former
list in force until that one's own end.
"""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature

log = logging.getLogger(__name__)

CHAIN_MAX = 8
KNOWN_MAX = 1000
Stamp = tuple[int, int, int] | None


class Doubt(StrEnum):
    """Why a certificate does not count."""

    NOT_VALID_NOW = "certificate_not_valid_now"
    ISSUER_UNKNOWN = "certificate_issuer_unknown"
    REVOKED = "certificate_revoked"
    LIST_MISSING = "revocation_list_missing"
    LIST_EXPIRED = "revocation_list_expired"


class CertificatesUnfit(Exception):  # noqa: N818 - a sentence about a file
    """A file of authorities or of revocations cannot be used; the message says which and why."""


class Revoked(msgspec.Struct, frozen=True, kw_only=True):
    """An authority's list: the serial numbers in it, from when it is and until when it counts."""

    serials: frozenset[int]
    told_at: datetime
    until: datetime | None


class Register:
    """The authorities, and the lists of what they revoked. Raises `CertificatesUnfit`."""

    def __init__(self, authority_file: Path, revocation_files: Sequence[Path]) -> None:
        try:
            self._authorities = x509.load_pem_x509_certificates(authority_file.read_bytes())
        except (OSError, ValueError) as error:
            raise CertificatesUnfit(f"{authority_file}: {error}") from error
        self._files = tuple(revocation_files)
        self._stamps = self._look()
        self._lists = self._read()
        self._chains: dict[x509.Certificate, tuple[x509.Certificate, ...]] = {}

    def doubt(self, certificate: x509.Certificate) -> Doubt | None:
        """Why it does not count now, it or an authority above it; None when it does.

        Certificates live in real time, whatever clock a demonstration shows.
        """
        self._look_again()
        at = datetime.now(UTC)
        chain = self._chain(certificate)
        if not chain:
            return Doubt.ISSUER_UNKNOWN
        for one in chain:
            if not one.not_valid_before_utc <= at <= one.not_valid_after_utc:
                return Doubt.NOT_VALID_NOW
            if one.issuer == one.subject:
                continue  # a root stands for itself
            told = self._lists.get(one.issuer)
            if told is None:
                return Doubt.LIST_MISSING
            if one.serial_number in told.serials:
                return Doubt.REVOKED
            if told.until is not None and told.until < at:
                return Doubt.LIST_EXPIRED
        return None

    def _chain(self, certificate: x509.Certificate) -> tuple[x509.Certificate, ...]:
        """The certificate and the authorities above it; empty when it leads to no root."""
        known = self._chains.get(certificate)
        if known is None:
            if len(self._chains) >= KNOWN_MAX:
                self._chains.clear()
            known = self._chains[certificate] = self._climb(certificate)
        return known

    def _climb(self, certificate: x509.Certificate) -> tuple[x509.Certificate, ...]:
        chain = [certificate]
        while chain[-1].issuer != chain[-1].subject and len(chain) < CHAIN_MAX:
            above = [one for one in self._authorities if _has_signed(one, chain[-1])]
            if not above:
                return ()
            chain.append(above[0])
        return tuple(chain) if chain[-1] in self._authorities else ()

    def _look_again(self) -> None:
        stamps = self._look()
        if stamps == self._stamps:
            return
        self._stamps = stamps
        try:
            self._lists = self._read()
        except CertificatesUnfit as error:
            log.error("the former revocation lists stay in force: %s", error)  # noqa: TRY400
        else:
            log.info("revocation lists read again: %d revoked", self.revoked_count)

    @property
    def revoked_count(self) -> int:
        """How many certificates the lists revoke."""
        return sum(len(one.serials) for one in self._lists.values())

    def _look(self) -> tuple[Stamp, ...]:
        return tuple(_stamp(one) for one in self._files)

    def _read(self) -> dict[x509.Name, Revoked]:
        """The lists by their authority; of several of one, the latest."""
        found: dict[x509.Name, Revoked] = {}
        for path in self._files:
            for told in _lists_in(path):
                signers = [one for one in self._authorities if one.subject == told.issuer]
                if not any(_is_signed_by(told, one) for one in signers):
                    raise CertificatesUnfit(f"{path}: a list is signed by no authority of ours")
                one = Revoked(
                    serials=frozenset(each.serial_number for each in told),
                    told_at=told.last_update_utc,
                    until=told.next_update_utc,
                )
                known = found.get(told.issuer)
                if known is None or known.told_at < one.told_at:
                    found[told.issuer] = one
        return found


def _has_signed(authority: x509.Certificate, certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _is_signed_by(told: x509.CertificateRevocationList, authority: x509.Certificate) -> bool:
    try:
        return told.is_signature_valid(authority.public_key())  # type: ignore[arg-type]
    except (ValueError, TypeError, InvalidSignature):
        return False


def _stamp(path: Path) -> Stamp:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _lists_in(path: Path) -> list[x509.CertificateRevocationList]:
    """The lists of a file: one in DER, or several in PEM. Raises `CertificatesUnfit`."""
    end = b"-----END X509 CRL-----"
    try:
        content = path.read_bytes()
        if b"-----BEGIN" not in content:
            found = [x509.load_der_x509_crl(content)]
        else:
            parts = content.split(end)[:-1]
            found = [x509.load_pem_x509_crl(one + end) for one in parts]
    except (OSError, ValueError) as error:
        raise CertificatesUnfit(f"{path}: {error}") from error
    if not found:
        raise CertificatesUnfit(f"{path}: there is no revocation list in it")
    for one in found:
        if _is_partial(one):
            raise CertificatesUnfit(f"{path}: a delta or indirect list is not read")
    return found


def _is_partial(told: x509.CertificateRevocationList) -> bool:
    for one in told.extensions:
        if isinstance(one.value, x509.DeltaCRLIndicator):
            return True
        if isinstance(one.value, x509.IssuingDistributionPoint) and one.value.indirect_crl:
            return True
    return False
