"""A TLS listener as sslscan sees it: no finding."""

import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import holdfast
from holdfast import HOST, Holdfast, Origin, answering, folder, free_port, text_of
from tls import Authority

AEAD = ("GCM", "CHACHA20")


def secured():
    root = Authority()
    address = (HOST, free_port())
    own = root.issue("shop.example", f"DNS:shop.example,IP:{HOST}")
    top = {"listeners": [{"address": text_of(address), "tls": {"certificates": [own.conf()]}}]}
    return root, Holdfast([Origin("a", answering(200, b"x"))], address=address, top=top)


def test_sslscan_has_no_finding():
    if shutil.which("sslscan") is None or holdfast.sanitizer():
        return
    root, p = secured()
    out = os.path.join(folder(), "scan.xml")
    subprocess.run(["sslscan", "--no-colour", "--sni-name=shop.example", f"--xml={out}", text_of(p.address)],
                   capture_output=True, timeout=holdfast.TEST_LIMIT_S, check=True)
    scan = ElementTree.parse(out).getroot().find("ssltest")
    spoken = {f"{e.get('type')}v{e.get('version')}" for e in scan.findall("protocol") if e.get("enabled") == "1"}
    assert spoken == {"tlsv1.2", "tlsv1.3"}, spoken
    assert all(e.get("supported") == "1" for e in scan.findall("fallback")), "TLS_FALLBACK_SCSV"
    assert scan.find("renegotiation").get("supported") == "0"
    assert all(e.get("supported") == "0" for e in scan.findall("compression"))
    assert all(e.get("vulnerable") == "0" for e in scan.findall("heartbleed"))
    ciphers = [e.get("cipher") for e in scan.findall("cipher")]
    assert ciphers and all(any(a in c for a in AEAD) for c in ciphers), ciphers
    assert all(c.startswith(("ECDHE-", "TLS_")) for c in ciphers), ciphers
    assert all(int(e.get("bits")) >= 128 and e.get("strength") in ("strong", "acceptable")
               for e in scan.findall("cipher")), "strength"


if __name__ == "__main__":
    holdfast.main()
