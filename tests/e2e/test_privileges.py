"""What a node may do when it has started: as whom, with which capabilities, which system calls."""

import os
import pwd
import re
import shutil
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import holdfast
from holdfast import HOST, Holdfast, Origin, free_port, sanitizer, text_of, wait_until
from test_faults import Faulty, preload
from test_reload import hup, write
from test_upgrade import admin, ended, give, upgrade

ROOT = os.geteuid() == 0
PORTS = 1 << 10            # CAP_NET_BIND_SERVICE
OF_FILES = 0b1011 | 1 << 2  # CHOWN, DAC_OVERRIDE, DAC_READ_SEARCH, FOWNER
KILL = 1 << 5


def told(pid):
    """/proc/PID/status, by the names there."""
    with open(f"/proc/{pid}/status") as f:
        return dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)


def capabilities(pid):
    t = told(pid)
    return {name: int(t["Cap" + name], 16) for name in ("Inh", "Prm", "Eff", "Bnd", "Amb")}


def threads(pid):
    return [int(t) for t in os.listdir(f"/proc/{pid}/task")]


def starter_of(p):
    """The process beside the node that starts programs."""
    with open(f"/proc/{p.pid}/task/{p.pid}/children") as f:
        children = [int(c) for c in f.read().split()]
    assert len(children) == 1, children
    return children[0]


def as_nobody(**more):
    p = Holdfast([Origin("a")], start=False, top={"user": "nobody", **more.pop("top", {})}, **more)
    give(p, "nobody")
    p.start()
    return p


# ---- who, and with what -----------------------------------------------------------------------------


def test_a_user_has_no_group_and_no_capability_of_root():
    if not ROOT:
        return
    p = as_nobody()
    who = pwd.getpwnam("nobody")
    for pid in (p.pid, starter_of(p)):
        t = told(pid)
        assert set(t["Uid"].split()) == {str(who.pw_uid)} and set(t["Gid"].split()) == {str(who.pw_gid)}
        assert {int(g) for g in t["Groups"].split()} <= {who.pw_gid}, t["Groups"]
        assert capabilities(pid) == {"Inh": 0, "Prm": 0, "Eff": 0, "Bnd": 0, "Amb": 0}
        assert t["NoNewPrivs"] == "1"
    assert p.once().status == 200


def test_root_that_stays_root_keeps_what_files_and_low_ports_need():
    if not ROOT:
        return
    p = Holdfast([Origin("a")])
    of = capabilities(p.pid)
    assert of["Prm"] == of["Eff"] and of["Eff"] & ~(PORTS | OF_FILES | KILL) == 0 and of["Inh"] == 0, of
    hup_to_another_low_port(p)


def hup_to_another_low_port(p):
    low = (HOST, next(n for n in range(600, 1000) if not holdfast.is_listening((HOST, n))))
    p.conf["listeners"] = [{"address": text_of(p.address)}, {"address": text_of(low)}]
    write(p)
    hup(p)
    with holdfast.Client(low) as c:
        assert c.get().status == 200


def test_who_may_bind_low_ports_and_is_not_root_keeps_just_that():
    """As the service unit has it: a user from the start, CAP_NET_BIND_SERVICE in every set."""
    if not ROOT:
        return
    p = Holdfast([Origin("a")], start=False)
    give(p, "nobody")
    who = pwd.getpwnam("nobody")
    wrapper = os.path.join(p.where, "wrapper")
    with open(wrapper, "w") as f:
        f.write(f"#!/bin/sh\nexec setpriv --reuid {who.pw_uid} --regid {who.pw_gid} --clear-groups "
                f"--inh-caps -all,+net_bind_service,+net_raw --ambient-caps -all,+net_bind_service,+net_raw -- "
                f'{reachable(p)} "$@"\n')
    os.chmod(wrapper, 0o755)
    p.program = wrapper
    p.start()
    of = capabilities(p.pid)
    assert of["Eff"] == of["Prm"] == of["Amb"] == PORTS, of
    hup_to_another_low_port(p)
    ended(upgrade(p))
    assert capabilities(p.pid)["Eff"] == PORTS, "and so has the next process"


def reachable(p):
    """The program where everybody can execute it."""
    path = os.path.join(p.where, "holdfast")
    shutil.copy2(holdfast.binary(), path)
    os.chmod(path, 0o755)
    return path


# ---- system calls -----------------------------------------------------------------------------------


def test_all_threads_are_filtered_and_workers_twice():
    p = Holdfast([Origin("a")], workers=2, top={"admin": {"address": text_of((HOST, free_port()))}})
    state = admin(p, "GET", "/status")["process"]["seccomp"]
    if sanitizer():
        assert state == "off: built with a sanitizer"
        return
    assert state == "on"
    counts = sorted(int(told(f"{p.pid}/task/{t}")["Seccomp_filters"]) for t in threads(p.pid))
    most = int(told(os.getpid())["Seccomp_filters"])
    assert counts[0] == most + 1 and counts[-2:] == [most + 2] * 2, counts
    assert int(told(starter_of(p))["Seccomp_filters"]) == most


def test_a_worker_that_would_execute_a_program_ends_the_process():
    if sanitizer():
        return
    for fault, call in (("program", "execve"), ("spawn", "clone")):
        p = Holdfast([Origin("a")], env={"LD_PRELOAD": preload(), "FAULTS": f"{fault}=100"})
        p.expected_exit = -signal.SIGSYS
        try:
            p.once()
            p.once()
        except (AssertionError, holdfast.Ended, OSError):
            pass
        assert p.wait() == -signal.SIGSYS
        assert f"the system call {call} is forbidden" in p.stderr, p.stderr


def test_a_worker_opens_no_file():
    if sanitizer():
        return
    p = Faulty([Origin("a")], "file=100")
    for _ in range(5):
        assert p.once().status == 200
    assert p.struck()["file"] >= 3


def test_it_can_be_left_out():
    p = Holdfast([Origin("a")], top={"seccomp": False, "admin": {"address": text_of((HOST, free_port()))}})
    assert admin(p, "GET", "/status")["process"]["seccomp"].startswith("off")
    assert told(p.pid)["Seccomp_filters"] == told(os.getpid())["Seccomp_filters"]


def test_everything_that_a_node_does_is_on_the_list():
    """Reloads, logs that are opened again, new listeners, certificates, expressions, upgrades; nothing is refused."""
    where = os.path.join(holdfast.folder(), "s")
    a = Origin("a")
    p = Holdfast([a], session={"keys": ["path:^/u/([0-9]+)", "cookie:JSESSIONID"]}, workers=2, health=holdfast.CHECKED)
    assert p.once("/u/12").status == 200
    p.conf["listeners"] = [{"address": text_of(p.address)}, {"address": "unix:" + where, "mode": "0660"}]
    write(p)
    hup(p)
    with holdfast.Client("unix:" + where) as c:
        assert c.get("/big", body=b"x" * 300000, method="POST").json["body_bytes"] == 300000
    for name in (p.failover_path, p.access_path):
        os.rename(name, name + ".1")
    p.signal(signal.SIGUSR1)
    wait_until(lambda: "logs re-opened" in p.stderr, "the logs are opened again")
    p.once("/after")
    assert p.wait_request(target="/after")
    ended(upgrade(p))
    assert p.once("/u/12").status == 200
    p.conf["listeners"] = [{"address": text_of(p.address)}]
    write(p)
    hup(p)
    assert not os.path.exists(where)
    assert "not permitted" not in p.stderr, p.stderr


def test_who_cannot_start_programs_any_more_says_so():
    p = Holdfast([Origin("a")])
    os.kill(starter_of(p), signal.SIGKILL)
    wait_until(lambda: "the process that starts programs is no more" in p.stderr, "it is said")
    p.signal(signal.SIGUSR2)
    p.wait_event("upgrade_refused")
    assert p.once().status == 200


# ---- what there is ----------------------------------------------------------------------------------


def within(argv, prefix):
    done = subprocess.run([*prefix, holdfast.binary(), *argv], capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


def of(connections):
    return Holdfast([Origin("a")], start=False, top={"limits": {"connections_max": connections}})


def test_too_few_descriptors_are_said_before_the_start_and_at_it():
    p = of(1000)
    assert within(["check", "-c", p.conf_path], ["prlimit", "--nofile=4096:4096"])[2].count("RLIMIT_NOFILE") == 0
    for command in ("check", "doctor"):
        status, out, err = within([command, "-c", p.conf_path], ["prlimit", "--nofile=1024:1024"])
        assert "limits.connections_max" in out + err
        assert "want 2064 descriptors; 1024 may be open (RLIMIT_NOFILE)" in out + err, out + err
    p.nofile = 1024
    p.start()
    p.wait_said("want 2064 descriptors; 1024 may be open")
    assert p.once().status == 200


def test_the_soft_limit_is_raised_as_far_as_it_may_be():
    p = Holdfast([Origin("a")], start=False)
    wrapper = os.path.join(p.where, "wrapper")
    with open(wrapper, "w") as f:
        f.write(f'#!/bin/sh\nexec prlimit --nofile=256:2048 -- {holdfast.binary()} "$@"\n')
    os.chmod(wrapper, 0o755)
    p.program = wrapper
    p.start()
    with open(f"/proc/{p.pid}/limits") as f:
        assert re.search(r"^Max open files +2048 +2048 ", f.read(), re.M)


def test_too_little_memory_is_said():
    if sanitizer():
        return  # it maps more than any bound
    p = of(100000)
    for command in ("check", "doctor"):
        status, out, err = within([command, "-c", p.conf_path], ["prlimit", "--as=2147483648"])
        assert "2097152 KiB may be had (RLIMIT_AS)" in out + err, out + err
    assert "RLIMIT_AS" not in within(["check", "-c", of(100).conf_path], ["prlimit", "--as=2147483648"])[2]


def test_memory_of_the_group_and_of_those_above_is_said():
    """A tree of files in the place of the kernel's: the bounds of a group and of the one above it."""
    if not ROOT or subprocess.run(["unshare", "-m", "true"]).returncode != 0:
        return
    with open("/proc/self/cgroup") as f:
        own = next((line[3:].strip() for line in f if line.startswith("0::/")), None)
    if own is None:
        return
    tree = holdfast.folder()
    os.makedirs(tree + own, exist_ok=True)
    enter = ["unshare", "-m", "sh", "-c", f'mount --bind {tree} /sys/fs/cgroup && exec "$@"', "sh"]
    for own_max, above, said in (("268435456", "max", 262144), ("max", "134217728", 131072), ("268435456", "134217728", 131072)):
        for path, text in ((tree + own, own_max), (tree, above)):
            with open(os.path.join(path, "memory.max"), "w") as f:
                f.write(text + "\n")
        if own == "/" and above != "134217728":
            with open(os.path.join(tree, "memory.max"), "w") as f:
                f.write(own_max + "\n")
        _, out, err = within(["check", "-c", of(100000).conf_path], enter)
        assert f"{said} KiB may be had (cgroup memory.max)" in out + err, out + err


if __name__ == "__main__":
    holdfast.main()
