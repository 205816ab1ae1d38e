"""Certificates for tests, made by openssl: each its own authority."""

import subprocess
from pathlib import Path


def make_certificate(folder: Path, *, name: str, alternative: str) -> None:
    """A self-signed certificate of two days, `cert.pem` with its key `key.pem`; `alternative` is its subjectAltName."""
    kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    files = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
    names = ["-subj", f"/CN={name}", "-addext", f"subjectAltName={alternative}"]
    subprocess.run(["openssl", "req", "-x509", *kind, *files, *names], check=True, capture_output=True)
