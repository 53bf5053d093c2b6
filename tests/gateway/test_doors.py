"""Who passes the FHIR doors: real TLS sockets, certificates of `just certs`."""

import json
import logging
import ssl
import warnings
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from deploy.local import certs
from services.gateway.domain.callers import Bucket, Caller
from services.gateway.http.entrance import Entrance
from services.gateway.outside.certificates import CertificatesUnfit, Doubt, Register
from services.gateway.outside.doors import DoorsUnfit, is_insecure_demo, read_doors
from services.gateway.outside.tls import server_context
from services.messaging.logs import JsonLines
from services.messaging.web import serving
from tests.gateway.served import issue_of
from tests.gateway.through_doors import LOCAL, caller, context_of, doors_in, greet

AUDIT = "services.gateway.audit"


@pytest_asyncio.fixture
async def folder(tmp_path: Path) -> AsyncIterator[Path]:
    certs.make(tmp_path, port=0)
    yield tmp_path


@pytest_asyncio.fixture
async def doors(folder: Path) -> AsyncIterator[Any]:
    async with doors_in(folder) as run:
        yield run


def audited(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    return [one.fields["audit"] for one in caplog.records if one.name == AUDIT]  # type: ignore[attr-defined]


async def test_a_known_caller_passes_and_a_line_tells_it(
    doors: Any, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with caller(doors, folder) as platform:
        answer = await platform.get("/fhir/Slot/made-up?name=Dupont")
    assert (answer.status_code, answer.text) == (200, "inside")
    (line,) = audited(caplog)
    serial = certs._certificate(folder, "platform").serial_number
    assert (line["who"], line["what"]) == ("sas-demo", "GET /fhir/Slot/{id}")
    assert (line["outcome"], line["status"], line["address"]) == ("served", 200, LOCAL)
    assert line["certificate"] == f"{serial:x}"
    record = next(one for one in caplog.records if one.name == AUDIT)
    written = JsonLines().format(record)
    assert json.loads(written)["audit"] == line
    assert not [word for word in ("Dupont", "made-up") if word in written]


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
async def test_nobody_passes_without_a_certificate_of_the_authorities(
    doors: Any, folder: Path, caplog: pytest.LogCaptureFixture, version: str
) -> None:
    caplog.set_level(logging.INFO)
    foreign = context_of(folder, None)
    trustme.CA().issue_cert(certs.NAME, common_name=certs.NAME).configure_cert(foreign)
    for context in (context_of(folder, None), foreign):
        context.maximum_version = ssl.TLSVersion[version]
        async with caller(doors, folder, context=context) as anybody:
            with pytest.raises(httpx.TransportError):
                await anybody.get("/fhir/metadata")
    assert audited(caplog) == []


@pytest.mark.parametrize(
    ("client", "reason"),
    [
        ("wrong-name", "caller_unknown"),
        ("wrong-unit", "caller_unknown"),
        ("revoked", "certificate_revoked"),
    ],
)
async def test_a_certificate_that_does_not_count_is_refused_and_audited(
    doors: Any, folder: Path, caplog: pytest.LogCaptureFixture, client: str, reason: str
) -> None:
    caplog.set_level(logging.INFO)
    async with caller(doors, folder, client) as one:
        answer = await one.get("/fhir/metadata")
    assert issue_of(answer) == (403, "forbidden", reason)
    assert answer.headers["content-type"] == "application/fhir+json"
    (line,) = audited(caplog)
    assert (line["who"], line["outcome"]) == ("unidentified", reason)


async def test_a_certificate_taken_back_counts_no_more_on_a_connection_that_is_open(
    doors: Any, folder: Path
) -> None:
    async with caller(doors, folder) as platform:
        assert (await platform.get("/fhir/metadata")).status_code == 200
        certs.revoke(folder, "platform")
        refused = await platform.get("/fhir/metadata")
    assert issue_of(refused) == (403, "forbidden", "certificate_revoked")


async def test_a_list_that_cannot_be_read_leaves_the_former_in_force(
    doors: Any, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (folder / "authority.crl").write_bytes(b"-----BEGIN X509 CRL-----\nhalf")
    async with caller(doors, folder) as right, caller(doors, folder, "revoked") as wrong:
        assert (await right.get("/fhir/metadata")).status_code == 200
        assert (await wrong.get("/fhir/metadata")).status_code == 403
    assert "the former revocation lists stay in force" in caplog.text


async def test_a_list_out_of_date_lets_nobody_in(doors: Any, folder: Path) -> None:
    own = certs._certificate(folder, "authority").subject
    told = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(own)
        .last_update(datetime(2020, 1, 1, tzinfo=UTC))
        .next_update(datetime(2020, 2, 1, tzinfo=UTC))
        .sign(certs._key(folder, "authority"), hashes.SHA256())
    )
    (folder / "authority.crl").write_bytes(told.public_bytes(serialization.Encoding.DER))
    async with caller(doors, folder) as platform:
        answer = await platform.get("/fhir/metadata")
    assert issue_of(answer) == (503, "transient", "revocation_list_expired")
    assert answer.headers["retry-after"] == "1"


def speaking(folder: Path, version: str) -> ssl.SSLContext:
    context = context_of(folder)
    context.set_ciphers("ALL:@SECLEVEL=0")  # so that it is the doors that refuse
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = ssl.TLSVersion[version]
    return context


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
async def test_tls_1_2_and_1_3_are_spoken(doors: Any, folder: Path, version: str) -> None:
    async with caller(doors, folder, context=speaking(folder, version)) as platform:
        assert (await platform.get("/fhir/metadata")).status_code == 200


async def test_tls_1_1_is_refused(doors: Any, folder: Path) -> None:
    context = speaking(folder, "TLSv1_1")
    async with caller(doors, folder, context=context) as platform:
        with pytest.raises(httpx.ConnectError):
            await platform.get("/fhir/metadata")
    # asyncio closes without saying why, the context itself says it.
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(to_client, to_server, server_hostname=LOCAL)
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    ours = server_context(*(folder / f for f in ("authority.pem", "gateway.pem", "gateway.key")))
    with pytest.raises(ssl.SSLError, match="UNSUPPORTED_PROTOCOL"):
        ours.wrap_bio(to_server, to_client, server_side=True).do_handshake()


async def test_who_calls_too_often_is_told_when_to_come_again(folder: Path) -> None:
    async with (
        doors_in(folder, burst=3, calls_per_second=0.1) as run,
        caller(run, folder) as platform,
    ):
        statuses = [(await platform.get("/fhir/metadata")).status_code for _ in range(3)]
        answer = await platform.get("/fhir/metadata")
    assert statuses == [200] * 3
    assert issue_of(answer) == (429, "throttled", "too_many_calls")
    assert 1 <= int(answer.headers["retry-after"]) <= 10


def test_a_bucket_fills_with_time_up_to_its_burst() -> None:
    one = Caller(name="a", common_name="a", organizational_unit="1", calls_per_second=2, burst=2)
    bucket = Bucket(one)
    assert [bucket.wait_seconds(100.0) for _ in range(3)] == [0, 0, 0.5]
    assert bucket.wait_seconds(100.25) == 0.25
    assert bucket.wait_seconds(100.5) == 0
    assert [bucket.wait_seconds(1000.0) for _ in range(3)] == [0, 0, 0.5]


async def test_nothing_but_the_doors_is_served_there(doors: Any, folder: Path) -> None:
    async with caller(doors, folder) as platform:
        for path in ("/agendas", "/health/ready", "/schema", "/fhirs"):
            assert issue_of(await platform.get(path)) == (404, "not-found", "no_door")


# However a path is written, Litestar finds the door behind it.
WRITTEN = ("/fhir/metadata", "//fhir/metadata", "/fhir//metadata/", "/%66hir/metadata")


async def test_the_plain_listener_has_no_door(doors: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with httpx.AsyncClient() as anybody:
        for path in (*WRITTEN, "/fhir", "/fhir/Jean-Dupont/x"):
            answer = await anybody.get(doors.address + path)
            assert issue_of(answer) == (403, "forbidden", "mutual_tls_required"), path
        assert (await anybody.get(f"{doors.address}/agendas")).text == "inside"
    lines = audited(caplog)
    assert [one["what"] for one in lines] == ["GET /fhir/metadata"] * 4 + ["GET ?"] * 2
    assert {one["outcome"] for one in lines} == {"mutual_tls_required"}


async def test_a_demonstration_may_open_them_to_anybody_and_says_so_aloud(
    caplog: pytest.LogCaptureFixture,
) -> None:
    entrance = Entrance(None, is_insecure_demo=True)
    app: Any = entrance.around(greet)
    caplog.set_level(logging.INFO)
    async with serving(app, LOCAL, 0) as address, httpx.AsyncClient(base_url=address) as anybody:
        run: Any = type("Run", (), {"address": address})
        async with entrance.listen(run):
            assert (await anybody.get("/fhir/metadata")).text == "inside"
    (loud,) = (one for one in caplog.records if "INSECURE DEMO" in one.message)
    assert loud.levelno == logging.WARNING
    assert [one["who"] for one in audited(caplog)] == ["insecure-demo"]


async def test_what_breaks_behind_a_door_tells_nothing_outside(folder: Path) -> None:
    async def breaks(scope: Any, receive: Any, send: Any) -> None:
        raise RuntimeError("the inner secret")

    async with doors_in(folder, breaks) as run, caller(run, folder) as platform:
        answer = await platform.get("/fhir/metadata")
    assert answer.status_code == 500
    assert not [word for word in ("secret", "Traceback", "RuntimeError") if word in answer.text]


def test_an_authority_that_was_taken_back_takes_its_own_with_it(tmp_path: Path) -> None:
    certs.make(tmp_path)
    root, root_key = certs._certificate(tmp_path, "authority"), certs._key(tmp_path, "authority")
    middle_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    middle_name = certs._name("middle")
    middle = certs._signed(middle_name, middle_key, root.subject, root_key, authority=True)
    leaf = certs._signed(certs._name(certs.NAME, certs.UNIT), key, middle_name, middle_key)
    pem = serialization.Encoding.PEM
    both = tmp_path / "both.pem"
    both.write_bytes(root.public_bytes(pem) + middle.public_bytes(pem))
    own = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(middle_name)
        .last_update(datetime.now(UTC))
        .next_update(datetime.now(UTC) + certs.GOOD_FOR)
        .sign(middle_key, hashes.SHA256())
    )
    (tmp_path / "middle.crl").write_bytes(own.public_bytes(pem))
    roots = tmp_path / "authority.crl"
    assert Register(both, [roots]).doubt(leaf) is Doubt.LIST_MISSING
    register = Register(both, [roots, tmp_path / "middle.crl"])
    assert register.doubt(leaf) is None
    certs._write_list(tmp_path, [middle.serial_number])
    assert register.doubt(leaf) is Doubt.REVOKED
    assert Register(tmp_path / "authority.pem", [roots]).doubt(leaf) is Doubt.ISSUER_UNKNOWN
    with pytest.raises(CertificatesUnfit, match="signed by no authority"):
        Register(tmp_path / "authority.pem", [tmp_path / "middle.crl"])


WRONG = {
    "Object contains unknown field `nobody`": ("[[caller]]", "[[nobody]]"),
    "no revocation list": ('["authority.crl"]', "[]"),
    "a name has 1 to 40": ('"sas-demo"', '"Sas Démo"'),
    "are not empty": (f'"{certs.UNIT}"', '""'),
    "certificates cannot be used": ('"authority.crl"', '"nowhere.crl"'),
    "its certificates cannot": ('"gateway.key"', '"platform.key"'),
    "Expected `int`": ("port = 0", 'port = "x"'),
}


@pytest.mark.parametrize("why", WRONG)
def test_a_file_that_cannot_be_followed_is_refused_with_the_reason(
    tmp_path: Path, why: str
) -> None:
    path = certs.make(tmp_path, port=0)
    path.write_text(path.read_text("utf-8").replace(*WRONG[why]), "utf-8")
    with pytest.raises(DoorsUnfit, match=why):
        read_doors({"CPTS_DOORS": str(path)})


def test_without_a_file_there_is_no_door_and_production_has_no_other() -> None:
    assert read_doors({}) is None
    assert not is_insecure_demo({})
    assert is_insecure_demo({"CPTS_INSECURE_DEMO": "1"})
    for given in ({"CPTS_INSECURE_DEMO": "yes"}, {"CPTS_INSECURE_DEMO": "1"} | PRODUCTION):
        with pytest.raises(DoorsUnfit):
            is_insecure_demo(given)


PRODUCTION = {"CPTS_ENVIRONMENT": "production"}


def test_certificates_are_kept_and_one_that_is_not_there_is_not_taken_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert certs.main([str(tmp_path), "--port", "1234"]) == 0
    first = (tmp_path / "platform.pem").read_bytes()
    assert certs.main([str(tmp_path)]) == 0
    assert (tmp_path / "platform.pem").read_bytes() == first
    assert "port = 18443" in (tmp_path / "doors.toml").read_text("utf-8")
    assert (tmp_path / "platform.key").stat().st_mode & 0o077 == 0
    assert certs.main([str(tmp_path), "--revoke", "nobody"]) == 1
    assert "there is no" in capsys.readouterr().err
