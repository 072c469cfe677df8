"""What the program does when its standard descriptors are closed, full, or gone; and what it says of a file with no name."""

import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import holdfast
from holdfast import Holdfast, Origin, binary, wait_until


def run_without(*closed, top=None):
    """A node that is started with these descriptors closed: what stands at 0 to 2 while it serves."""
    a = Origin("a")
    p = Holdfast([a], start=False, top=top, level="debug")

    def close():
        for fd in closed:
            os.close(fd)
    child = subprocess.Popen([binary(), "run", "-c", p.conf_path], preexec_fn=close, stdin=subprocess.DEVNULL,
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: child.poll() is not None or holdfast.is_listening(p.address), "it listens")
        with p.client() as c:
            assert c.get().status == 200
            shown = [os.readlink(f"/proc/{child.pid}/fd/{fd}") for fd in range(3)]
            assert c.get().status == 200
        child.terminate()
        assert child.wait(holdfast.WAIT_S) == 0
        return shown
    finally:
        child.kill()
        child.wait()


def test_nothing_of_ours_gets_the_number_of_a_standard_descriptor():
    """Else the process log would be written to a client."""
    for closed in ((), (0,), (1,), (2,), (0, 1, 2)):
        assert run_without(*closed) == ["/dev/null"] * 3, closed
    assert run_without(2, top={"log": {"failover": "stderr", "access": "stdout"}}) == ["/dev/null"] * 3


def ended(*argv, **how):
    done = subprocess.run([binary(), *argv], stderr=subprocess.PIPE, text=True, timeout=holdfast.WAIT_S, **how)
    return done.returncode, done.stderr


def test_output_that_cannot_be_written_is_an_error_of_every_command():
    log = os.path.join(holdfast.folder(), "log")
    with open(log, "w") as f:
        f.write('{"ts":"2026-11-21T13:25:34.279Z","event":"reload"}\n')
    for argv in (["version"], ["tail", "--no-follow", log], ["tail", "--json", "--no-follow", log], ["tail", log],
                 ["tail", "--summary", log], ["replay", log]):
        with open("/dev/full", "w") as full:
            status, err = ended(*argv, stdout=full)
        assert status == 2 and err.endswith("standard output cannot be written\n"), (argv, status, err)
        assert len(err.splitlines()) == 1, err
        status, err = ended(*argv, preexec_fn=lambda: os.close(1))
        assert status == 2 and err.endswith("standard output cannot be written\n"), (argv, status, err)


def test_a_reader_that_went_away_ends_tail_in_peace():
    log = os.path.join(holdfast.folder(), "log")
    with open(log, "w") as f:
        f.write('{"ts":"2026-11-21T13:25:34.279Z","event":"reload"}\n' * 3)
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as gone:
        assert ended("tail", log, stdout=gone) == (0, "")


def test_a_file_without_a_name_is_refused_in_one_line():
    for argv in (["check", "-c", ""], ["run", "--config="], ["doctor", "-c", ""], ["tail", "-c", ""], ["status", "-c", ""],
                 ["explain", "-c", "", "key"]):
        status, out, err = holdfast.holdfast(*argv)
        assert (status, out) == (2, "") and err == f"holdfast {argv[0]}: --config: the name of a file is wanted\n", err
    status, out, err = holdfast.holdfast("status", "--token-file", "")
    assert status == 2 and err == "holdfast status: --token-file: the name of a file is wanted\n", err


def test_a_configuration_that_is_not_there_is_told_once():
    where = holdfast.folder()
    told = f"{where}/none: No such file or directory\n"
    for name in ("check", "tail", "run"):
        assert holdfast.holdfast(name, "-c", f"{where}/none") == (2, "", told)
    status, out, _ = holdfast.holdfast("doctor", "-c", f"{where}/none")
    assert status == 1 and f" {told}" in out, out


def test_help_on_help():
    assert holdfast.holdfast("help", "help") == holdfast.holdfast("help", "--help") == holdfast.holdfast("help")


if __name__ == "__main__":
    holdfast.main()
