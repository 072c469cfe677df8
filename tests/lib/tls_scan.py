"""A TLS listener as sslscan and testssl.sh see it, whole: minutes, so apart from `make test` (which has sslscan in
tests/e2e/test_tls_scan.py). Its certificate is one of an intermediate authority, whose root is made known.

    make tls-scan            exit status 1: a finding that EXPLAINED does not have
"""

import json
import os
import re
import secrets
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import holdfast
from holdfast import HOST, Holdfast, Origin, answering, folder, free_port, text_of
from tls import Authority, Certificate

NAME = "shop.example"
LIMIT_S = 3000
WELL = ("OK", "INFO", "DEBUG")

# Findings of testssl.sh that are not Holdfast's: pattern of the id, and why.
EXPLAINED = (
    ("engine_problem", "testssl.sh's own openssl has no GOST: those ciphers are tried by sockets alone"),
)


def listening():
    root = Authority()
    middle = Authority("middle", of=root)
    address = (HOST, free_port())
    own = Certificate(middle.where, NAME)
    middle.new_key(own)
    Authority.count = secrets.randbits(120)  # of which the serial number is made
    middle.sign(own, f"/CN={NAME}", f"basicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\n"
                f"subjectAltName=DNS:{NAME},IP:{HOST}\ncrlDistributionPoints=URI:http://crl.{NAME}/1", middle, 90)
    top = {"listeners": [{"address": text_of(address), "tls": {"certificates": [own.conf()]}}]}
    app = Origin("a", answering(200, b"x", [("Strict-Transport-Security", "max-age=31536000")]))
    return root, Holdfast([app], address=address, top=top)


def sslscan(p):
    done = subprocess.run(["sslscan", "--no-colour", f"--sni-name={NAME}", text_of(p.address)], timeout=LIMIT_S)
    return done.returncode == 0


def explained(finding):
    return next((why for pattern, why in EXPLAINED if re.fullmatch(pattern, finding["id"])), None)


def testssl(root, p):
    """Findings that nobody explains."""
    out = os.path.join(folder(), "findings.json")
    subprocess.run(["testssl", "--quiet", "--color", "0", "--warnings", "off", "--nodns", "none", "--ip", HOST,
                    "--connect-timeout", "10", "--openssl-timeout", "20", "--add-ca", root.file, "--jsonfile", out,
                    f"{NAME}:{p.address[1]}"], stdin=subprocess.DEVNULL, timeout=LIMIT_S)
    with open(out) as f:
        findings = json.load(f)
    assert len(findings) > 100, "it did not go through"
    bad = [f for f in findings if f["severity"] not in WELL]
    print(f"\ntestssl.sh: {len(findings)} findings, {len(bad)} of them no praise")
    for f in bad:
        print(f"  {f['severity']:8} {f['id']}: {f['finding']}\n           {explained(f) or 'NOT EXPLAINED'}")
    return [f for f in bad if explained(f) is None]


def main():
    root, p = listening()
    left = testssl(root, p)
    well = sslscan(p) and p.is_running() and not left
    problems = holdfast.finish()
    print(f"tls-scan: {'ok' if well and not problems else f'{len(left)} not explained'} {problems or ''}")
    return 0 if well and not problems else 1


if __name__ == "__main__":
    sys.exit(main())
