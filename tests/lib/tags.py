"""Tags written and read a second time (DESIGN section 5), for tests that need one of another age: no
test waits for a clock. Keys are derived as proxy/affinity/tag.h and proxy/config/secrets.c say."""

import base64
import os
import struct

import ordering

vector = ordering.vector
BODY = struct.Struct("<B2s16sIIHI2s")


class Secret:
    """A file of 48 bytes, and its group in the configuration."""

    def __init__(self, where, id="k1"):
        self.id = id
        self.path = os.path.join(where, id)
        data = os.urandom(48)
        with open(self.path, "wb") as f:
            f.write(data)
        os.chmod(self.path, 0o600)
        self.master = vector.derive(b"holdfast secret v1", id.encode(), data)
        self.conf = {"id": id, "file": self.path}

    def tag(self, session, primary, last, issued, rank=0, service="shop"):
        """session: digest in hex; primary, last: ids; issued: seconds since 1970."""
        name = service.encode()
        pool_key = vector.derive(b"holdfast pool key v1", name, b"")
        body = BODY.pack(1, vector.derive(b"holdfast tag secret v1", self.id.encode(), self.master)[:2],
                         bytes.fromhex(session), alias(primary, service), alias(last, service), rank, int(issued),
                         vector.derive(b"holdfast tag pool v1", name, pool_key)[:2])
        mac = vector.siphash_2_4_128(vector.derive(b"holdfast tag mac v1", name, self.master), body)
        return base64.urlsafe_b64encode(body + mac).decode()


def alias(id, service="shop"):
    return vector.alias(vector.derive(b"holdfast pool key v1", service.encode(), b""), id.encode())


def read(tag):
    """What a tag says, unverified: session, primary, last (aliases), rank, issued."""
    _, _, session, primary, last, rank, issued, _ = BODY.unpack(base64.urlsafe_b64decode(tag)[:35])
    return {"session": session.hex(), "primary": primary, "last": last, "rank": rank, "issued": issued}
