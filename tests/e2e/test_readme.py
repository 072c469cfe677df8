"""README.md's way from a build to an observed failover before one's own servers, as it is written there.
All else that README.md and the guides say is held to it by test_guides.py."""

import os
import re
import socket
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import document
import holdfast
from holdfast import HOST, Process, free_port, is_listening, text_of, track, wait_until

TITLE = "In front of your own servers"


class Own(Process):
    """`python3 -m http.server`, as the reader is told to start it."""

    def __init__(self, address, where):
        self.address = address
        track(self)
        os.makedirs(where, exist_ok=True)
        super().__init__([sys.executable, "-m", "http.server", "-b", address[0], str(address[1])], where)
        wait_until(lambda: is_listening(address), "a server of one's own listens")

    def stop(self):
        self.kill()
        if self in holdfast.started:
            holdfast.started.remove(self)


class Background:
    """What "&" left in a shell that ended: stopped by the id that the admin interface tells."""

    def __init__(self, admin):
        self.admin = admin
        track(self)

    def stop(self):
        if self in holdfast.started:
            holdfast.started.remove(self)
        status, out, _ = holdfast.holdfast("status", "--json", "--admin", text_of(self.admin))
        if status == 0:
            os.kill(int(re.search(r'"pid": (\d+)', out)[1]), 15)
            wait_until(lambda: not is_listening(self.admin), "Holdfast ends")


def test_a_failover_before_ones_own_servers():
    text = document.section(document.read("README.md"), TITLE)
    where = holdfast.folder()
    front, admin, one, two = ((HOST, free_port()) for _ in range(4))
    place = document.Place(where, {"127.0.0.1:8080": text_of(front), "127.0.0.1:8081": text_of(admin), "127.0.0.1:9001": text_of(one),
                                   "127.0.0.1:9002": text_of(two)})
    conf, = document.fenced(text)
    with open(os.path.join(where, "my.conf"), "w") as f:
        f.write(place.here(conf))
    servers = {"a": Own(one, os.path.join(where, "one")), "b": Own(two, os.path.join(where, "two"))}
    Background(admin)
    before, after = document.shell_blocks(text)
    for command, wanted in document.steps(before):
        out = place.run(command, wanted)
    home = re.search(r" -> ([ab]) ", out)[1]
    servers[home].stop()
    for command, wanted in document.steps(after):
        if command.endswith("holdfast members"):  # its default address is the README's
            command += f" --admin {text_of(admin)}"
        if "--event failover" in command:
            wait_until(lambda: '"failover"' in open(os.path.join(where, "failover.log")).read(), "the failover is logged")
        out = place.run(command, wanted)
    assert re.search(rf"^shop +{home} .* down ", out, re.M), out


if __name__ == "__main__":
    holdfast.main()
