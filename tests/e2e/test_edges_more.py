"""What stands at the edge, further: keys of two kinds for one name, OCSP responses that are not of the certificate."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import holdfast
from holdfast import HOST, Holdfast, Origin, folder, free_port, text_of
from tls import Authority, Certificate, TlsClient, openssl


def listening(certificates, **more):
    address = (HOST, free_port())
    tls = {"certificates": [c if isinstance(c, dict) else c.conf() for c in certificates]}
    return Holdfast([Origin("a")], address=address, top={"listeners": [{"address": text_of(address), "tls": tls}]}, **more)


def issue_rsa(root, name):
    c = Certificate(root.where, f"{name}.rsa")
    openssl("genrsa", "-out", c.key, "2048")
    os.chmod(c.key, 0o600)
    root.sign(c, f"/CN={name}", f"basicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\nsubjectAltName=DNS:{name}",
              signer=root, days=30)
    return c


def answer_of(root, c, *more):
    """File of root's OCSP response for the certificate."""
    where = folder()
    index, request, response = (os.path.join(where, n) for n in ("index", "request", "response"))
    serial = openssl("x509", "-in", c.alone, "-noout", "-serial").split("=")[1].strip()
    with open(index, "w") as f:
        f.write(f"V\t391231235959Z\t\t{serial}\tunknown\t/CN={c.name}\n")
    openssl("ocsp", "-issuer", root.file, "-cert", c.alone, "-reqout", request, "-no_nonce")
    openssl("ocsp", "-index", index, "-rsigner", root.file, "-rkey", root.made.key, "-CA", root.file, "-reqin", request,
            "-respout", response, *more)
    return response


def made_old(path):
    """OpenSSL makes none that is over: nextUpdate ([0], GeneralizedTime) is written over."""
    with open(path, "rb") as f:
        data = f.read()
    at = data.index(b"\xa0\x11\x18\x0f") + 4
    with open(path, "wb") as f:
        f.write(data[:at] + b"2020" + data[at + 4:])
    return path


def shown(p, root, name, *more):
    """What a handshake shows, by openssl; server name None: none."""
    asked = ["-noservername"] if name is None else ["-servername", name]
    return openssl("s_client", "-connect", text_of(p.address), "-CAfile", root.file, *asked, *more, input=b"", ok=False)


def kind_of(text):
    if "Verify return code: 0 (ok)" not in text or "subject=" not in text:
        return None
    return "rsa" if "Server public key is 2048 bit" in text else "ecdsa"


def test_a_name_has_keys_of_two_kinds():
    """Clients get the first one that they can use; a name without a second kind, and clients that send none, too."""
    root = Authority()
    both = [root.issue("shop.example"), issue_rsa(root, "shop.example"), issue_rsa(root, "rsa.example"),
            root.issue("*.wild.example"), issue_rsa(root, "*.wild.example")]
    p = listening(both)
    rsa_alone = ["-sigalgs", "RSA-PSS+SHA256:RSA+SHA256"]
    for name in ("shop.example", "SHOP.example", "a.wild.example", "unknown.example", None):
        for version in ("-tls1_2", "-tls1_3"):
            assert kind_of(shown(p, root, name, version)) == "ecdsa", (name, version)
            assert kind_of(shown(p, root, name, version, *rsa_alone)) == "rsa", (name, version)
            assert kind_of(shown(p, root, name, version, "-sigalgs", "ECDSA+SHA256")) == "ecdsa", (name, version)
        assert kind_of(shown(p, root, name, "-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256")) == "rsa", name
    assert kind_of(shown(p, root, "rsa.example")) == "rsa"
    assert kind_of(shown(p, root, "rsa.example", "-sigalgs", "ECDSA+SHA256")) is None
    with TlsClient(p.address, root) as c:
        assert c.get("/").status == 200


def test_an_ocsp_response_of_another_certificate_is_refused():
    root = Authority()
    one, two = root.issue("shop.example"), root.issue("other.example")
    p = listening([one.conf(ocsp=answer_of(root, two, "-ndays", "7"))], start=False)
    status, out, err = holdfast.holdfast("check", "-c", p.conf_path)
    assert status == 2, out + err
    assert "tls.certificates[0].ocsp" in out + err and "for another certificate" in out + err, out + err
    p = listening([one.conf(ocsp=answer_of(root, one, "-ndays", "7"))], start=False)
    assert holdfast.holdfast("check", "-c", p.conf_path)[0] == 0


def test_an_ocsp_response_that_is_over_is_said_and_not_stapled():
    root = Authority()
    one, two = root.issue("shop.example"), root.issue("other.example")
    p = listening([one.conf(ocsp=made_old(answer_of(root, one, "-ndays", "7"))), two.conf(ocsp=answer_of(root, two, "-ndays", "7"))])
    status, out, err = holdfast.holdfast("check", "-c", p.conf_path)
    assert status == 2 and "tls.certificates[0].ocsp" in out + err and "expired on" in out + err, out + err
    assert "tls.certificates[1]" not in out + err
    assert "expired on" in p.stderr
    assert "OCSP response: no response sent" in shown(p, root, "shop.example", "-status")
    assert "OCSP Response Status: successful" in shown(p, root, "other.example", "-status")


if __name__ == "__main__":
    holdfast.main()
