"""admin.address = "unix:/...": rights of the file in place of a token, commands and other clients, what stays over a
reload and an upgrade, and what is removed at the end."""

import os
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import shutil

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import holdfast
from holdfast import Client, Holdfast, Origin, libconfig, wait_until


class Somewhere:
    """A directory that everybody may enter."""

    def __init__(self):
        self.path = tempfile.mkdtemp(prefix="holdfast-admin-")
        os.chmod(self.path, 0o755)
        holdfast.track(self)

    def stop(self):
        shutil.rmtree(self.path, ignore_errors=True)


def asked(members=None, where=None, **admin):
    path = os.path.join(where or Somewhere().path, "admin.sock")
    p = Holdfast(members or [Origin("a"), Origin("b")], top={"admin": {"address": "unix:" + path, **admin}})
    p.admin_path = path
    return p


def rewrite(p):
    with open(p.conf_path, "w") as f:
        f.write("".join(f"{k} = {libconfig(v)};\n" for k, v in p.conf.items() if v is not None))


def mode_of(path):
    return stat.S_IMODE(os.stat(path).st_mode)


def can_connect_as(uid, path):
    code = f"import os, socket; os.setgid({uid}); os.setuid({uid}); socket.socket(socket.AF_UNIX).connect({path!r})"
    return subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0


def test_commands_find_it_by_its_path_and_by_the_configuration():
    p = asked()
    for where in (("--admin", "unix:" + p.admin_path), ("-c", p.conf_path)):
        for command in (["status"], ["status", "--json"], ["members"], ["drain", "a"], ["undrain", "a"], ["maint", "b"],
                        ["up", "b"], ["reload"]):
            code, out, err = holdfast.holdfast(command[0], *where, *command[1:])
            assert code == 0, (where, command, out, err)
    assert [e["member"] for e in p.events("drain_started")] == ["a", "a"]
    with Client("unix:" + p.admin_path) as c:
        assert c.get("/status").json["services"][0]["name"] == "shop"
        assert b"holdfast_requests_total" in c.get("/metrics").body
        assert c.get("/", host="admin").status in (403, 421), "a name that a page on the web could have"


def test_who_may_is_decided_by_the_file():
    p = asked()
    assert mode_of(p.admin_path) == 0o600, "nobody else, when nothing is said"
    if os.getuid() == 0:
        assert not can_connect_as(65534, p.admin_path)
    q = asked(mode="0666")
    assert mode_of(q.admin_path) == 0o666
    if os.getuid() == 0:
        assert can_connect_as(65534, q.admin_path)
        r = asked(mode="0660", owner="nobody:nogroup")
        assert os.stat(r.admin_path).st_uid == 65534 and can_connect_as(65534, r.admin_path)


def test_a_token_is_asked_for_when_there_is_one():
    p = asked(token="0123456789abcdef-token")
    with Client("unix:" + p.admin_path) as c:
        assert c.get("/status").status == 401
    assert holdfast.holdfast("status", "-c", p.conf_path)[0] == 0
    assert holdfast.holdfast("status", "--admin", "unix:" + p.admin_path)[0] == 2


def test_reloads_keep_it():
    p = asked()
    before = os.stat(p.admin_path).st_ino
    p.conf["admin"]["mode"] = "0640"
    rewrite(p)
    p.signal(signal.SIGHUP)
    p.wait_event("reload")
    assert (os.stat(p.admin_path).st_ino, mode_of(p.admin_path)) == (before, 0o640)
    p.conf["admin"]["address"] = "unix:" + p.admin_path + "2"
    rewrite(p)
    p.signal(signal.SIGHUP)
    p.wait_event("reload", count=2)
    p.wait_said("admin.address needs a restart")
    assert holdfast.holdfast("status", "--admin", "unix:" + p.admin_path)[0] == 0, "it stays where it was"


def test_the_end_and_what_was_left_behind():
    p = asked()
    p.stop()
    assert not os.path.exists(p.admin_path)
    where = Somewhere().path
    q = asked(where=where)
    q.expected_exit = -signal.SIGKILL
    q.signal(signal.SIGKILL)
    q.wait()
    assert os.path.exists(q.admin_path)
    r = asked(where=where)
    assert holdfast.holdfast("status", "-c", r.conf_path)[0] == 0
    code, _, err = holdfast.holdfast("run", "-c", r.conf_path)
    assert code == 2 and "Address already in use" in err or "in use" in err, err
    assert holdfast.holdfast("status", "-c", r.conf_path)[0] == 0, "the one that runs keeps its file"


def test_check():
    path = os.path.join(holdfast.folder(), "admin.sock")
    for admin, wanted in (({"address": "unix:relative"}, "not a path from the root"),
                          ({"address": "unix:/nonexistent/holdfast/a.sock"}, "/nonexistent/holdfast: No such file"),
                          ({"address": "unix:/dev/null"}, "there is a file that is no socket"),
                          ({"address": "unix:" + path, "mode": "0888"}, "not the rights of a file"),
                          ({"address": "unix:" + path, "owner": "nobody-of-this-name"}, "no such user"),
                          ({"address": "fd:admin"}, "not an address")):
        p = Holdfast([Origin("a")], top={"admin": admin}, start=False)
        code, _, err = holdfast.holdfast("check", "-c", p.conf_path)
        assert code == 2 and wanted in err, (admin, err)
    p = Holdfast([Origin("a")], top={"admin": {"address": "127.0.0.1:8081", "mode": "0600"}}, start=False)
    code, _, err = holdfast.holdfast("check", "-c", p.conf_path)
    assert code == 0 and "means nothing unless address is a UNIX socket" in err, err
    p = Holdfast([Origin("a")], top={"admin": {"address": "unix:" + path},
                                     "listeners": [{"address": "unix:" + path}]}, start=False)
    code, _, err = holdfast.holdfast("check", "-c", p.conf_path)
    assert code == 2 and "this is listeners[0]" in err, err
    p = Holdfast([("a", "unix:" + path)], top={"admin": {"address": "unix:" + path}}, start=False)
    code, _, err = holdfast.holdfast("check", "-c", p.conf_path)
    assert code == 2 and "clients would reach it" in err, err


def test_commands_that_find_nobody():
    path = os.path.join(holdfast.folder(), "admin.sock")
    code, _, err = holdfast.holdfast("status", "--admin", "unix:" + path)
    assert code == 1 and "No such file" in err and path in err, err
    s = socket.socket(socket.AF_UNIX)
    s.bind(path)
    code, _, err = holdfast.holdfast("status", "--admin", "unix:" + path)
    assert code == 1 and "refused" in err, err
    assert holdfast.holdfast("status", "--admin", "unix:relative")[0] == 2


def test_an_upgrade_takes_it_over():
    p = asked()
    inode = os.stat(p.admin_path).st_ino
    first = p.pid
    p.signal(signal.SIGUSR2)
    p.wait_event("upgraded")
    p.wait()
    code, out, err = holdfast.holdfast("status", "--json", "--admin", "unix:" + p.admin_path)
    assert code == 0 and os.stat(p.admin_path).st_ino == inode, err
    other = int(next(line.split("process ")[1].split()[0] for line in p.stderr.splitlines() if "has taken over from" in line))
    assert other != first
    os.kill(other, signal.SIGTERM)
    wait_until(lambda: not os.path.exists(p.admin_path), "the last one removes it")


if __name__ == "__main__":
    holdfast.main()
