#!/usr/bin/env python3
"""What is installed and packaged, as an operator finds it: `make install` into a directory, `make deb`,
manual pages by man, completions by the shells themselves, the unit file by systemd-analyze.

    B=build tests/package/test_package.py       of what is built in B
"""

import gzip
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "lib"))
import document

BUILD = os.path.abspath(os.path.join(ROOT, os.environ.get("B", "build")))
LIMIT_S = 300
EXPOSURE_MAX = 2.0  # of 10, by systemd-analyze security

# What `make` tells its children is not for ours.
ENV = {k: v for k, v in os.environ.items() if not k.startswith("MAKE") and k not in ("DESTDIR", "PREFIX")}


def run(*argv, env=None, status=0, cwd=ROOT, input=None):
    """What it printed, both ways."""
    done = subprocess.run(argv, cwd=cwd, env={**ENV, **(env or {})}, text=True, timeout=LIMIT_S, input=input,
                          stdin=None if input is not None else subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if status is not None and done.returncode != status:
        raise AssertionError(f"{argv}: exit status {done.returncode}\n{done.stdout}")
    return done.stdout


def table(name, macro):
    """The first quoted text of each row of a table."""
    return re.findall(rf'^{macro}\([^"\n]*"([^"]+)"', source("include/tbl/" + name), re.M)


def source(path):
    with open(os.path.join(ROOT, path)) as f:
        return f.read()


class Installed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dest = tempfile.mkdtemp(prefix="holdfast-package-")
        cls.addClassCleanup(shutil.rmtree, cls.dest)
        cls.said = run("make", "-s", "install", f"B={BUILD}", f"DESTDIR={cls.dest}", "PREFIX=/usr").split("\n")

    def at(self, path):
        return self.dest + path

    def read(self, path):
        with open(self.at(path)) as f:
            return f.read()


class Files(Installed):
    def test_every_file_that_is_said_is_there_and_no_other(self):
        there = {os.path.join(where, name)[len(self.dest):]
                 for where, _, names in os.walk(self.dest) for name in names}
        self.assertEqual(there, {line for line in self.said if line.startswith("/")})

    def test_the_program_runs_from_there(self):
        self.assertRegex(run(self.at("/usr/bin/holdfast"), "version"), r"^holdfast \d")

    def test_the_configuration_is_right_and_readable_by_its_group_alone(self):
        said = run(self.at("/usr/bin/holdfast"), "check", "-c", self.at("/etc/holdfast/holdfast.conf"))
        self.assertNotIn("error", said)
        self.assertEqual(os.stat(self.at("/etc/holdfast/holdfast.conf")).st_mode & 0o777, 0o640)

    def test_its_logs_are_files_that_logrotate_knows(self):
        conf, rotate = self.read("/etc/holdfast/holdfast.conf"), self.read("/etc/logrotate.d/holdfast")
        logs = re.findall(r'^\s*(?:failover|access) = "(.*)";', conf, re.M)
        self.assertEqual(logs, ["/var/log/holdfast/failover.log", "/var/log/holdfast/access.log"])
        self.assertIn("/var/log/holdfast/*.log {", rotate)

    def test_no_place_is_left_open(self):
        for path in ("/usr/lib/systemd/system/holdfast.service", "/usr/lib/sysusers.d/holdfast.conf",
                     "/etc/logrotate.d/holdfast"):
            self.assertNotRegex(self.read(path), r"@[A-Z]+@")

    def test_a_configuration_that_is_there_stays(self):
        with tempfile.TemporaryDirectory() as prefix:
            conf = os.path.join(prefix, "etc/holdfast/holdfast.conf")
            os.makedirs(os.path.dirname(conf))
            with open(conf, "w") as f:
                f.write("mine\n")
            said = run("make", "-s", "install", f"B={BUILD}", f"PREFIX={prefix}/usr", f"SYSCONFDIR={prefix}/etc")
            self.assertIn("is there already, and stays", said)
            with open(conf) as f:
                self.assertEqual(f.read(), "mine\n")
            with open(f"{prefix}/usr/lib/systemd/system/holdfast.service") as f:
                self.assertIn(f"ExecStart={prefix}/usr/bin/holdfast", f.read())


def dead_links(where):
    """(guide, link) of the guides below, which lead to nothing there."""
    dead = []
    for at, _, names in os.walk(where):
        for name in names:
            if name.endswith(".md"):
                with open(os.path.join(at, name), encoding="utf-8") as f:
                    targets = [link.partition("#")[0] for link in document.links(f.read())]
                dead += [(name, t) for t in targets if t and not os.path.exists(os.path.join(at, t))]
    return dead


class Guides(Installed):
    def test_they_are_installed_and_their_links_lead_somewhere(self):
        docs = self.at("/usr/share/doc/holdfast")
        for name in (*document.GUIDES, "tests/bench/README.md", "SECURITY.md"):
            self.assertTrue(os.path.exists(os.path.join(docs, name)), name)
        with open(os.path.join(docs, "README.md"), encoding="utf-8") as f:
            self.assertGreater(len(document.links(f.read())), 40)
        self.assertEqual(dead_links(docs), [])


class Library(unittest.TestCase):
    def test_a_program_is_built_with_what_is_installed(self):
        with tempfile.TemporaryDirectory() as where:
            run("make", "-s", "install", f"B={BUILD}", f"PREFIX={where}/usr", f"SYSCONFDIR={where}/etc",
                f"LIBDIR={where}/usr/lib/there")
            env = {"PKG_CONFIG_PATH": f"{where}/usr/lib/there/pkgconfig"}
            version = re.search(r'HOLDFAST_VERSION +"(.*)"', source("include/vocab.h"))[1]
            self.assertEqual(run("pkg-config", "--modversion", "holdfast-lease", env=env).strip(), version)
            flags, libs = (run("pkg-config", what, "holdfast-lease", env=env).split() for what in ("--cflags", "--libs"))
            self.assertIn(f"-I{where}/usr/include", flags)
            sanitized = [f"-fsanitize={os.environ['SAN']}"] if os.environ.get("SAN") else []
            leader = os.path.join(where, "leader")
            run("cc", "-o", leader, f"{where}/usr/share/doc/holdfast/examples/leader.c", *flags, *sanitized, *libs, cwd=where)
            self.assertIn("leader LEASE_MS", run(leader, status=None))


class Pages(Installed):
    def page(self, name, section):
        path = self.at(f"/usr/share/man/man{section}/{name}.{section}.gz")
        warned = run("man", "--warnings=all", "-l", path, env={"MANWIDTH": "400", "MAN_KEEP_FORMATTING": "",
                                                               "LC_ALL": "C.UTF-8"})
        shown = subprocess.run(["man", "-l", path], env={**ENV, "MANWIDTH": "400", "LC_ALL": "C.UTF-8"},
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=LIMIT_S)
        self.assertEqual(shown.stderr, "")
        self.assertEqual(warned, shown.stdout, "no warning")
        return shown.stdout

    def test_every_command_and_option_is_explained(self):
        page = self.page("holdfast", 1)
        for name in table("subcommands.h", "SUBCOMMAND"):
            self.assertRegex(page, rf"(?m)^ +holdfast {name}( |$)")
        for name in table("subcommands.h", "OPTION"):
            if name != "help":
                self.assertRegex(page, rf"(?m)^ +(-\w, )?--{name}( |$)")

    def test_every_key_is_explained(self):
        page = self.page("holdfast.conf", 5)
        keys = table("config_keys.h", "CONFIG_(?:KEY|TEXTS|LIST)")
        self.assertGreater(len(keys), 100)
        for key in keys:
            self.assertRegex(page, rf"(?m)^ +{re.escape(key)}( |$)")

    def test_every_event_reason_and_cause_is_explained(self):
        page = self.page("holdfast-logs", 5)
        for name, macro in (("events.h", "EVENT"), ("reasons.h", "REASON"), ("causes.h", "CAUSE"),
                            ("member_states.h", "MEMBER_STATE")):
            for word in table(name, macro):
                self.assertRegex(page, rf"(?m)^ +{word}( |$)", name)

    def test_the_handbook_names_only_commands_and_keys_that_are_there(self):
        page = self.page("holdfast-handbook", 7)
        commands = table("subcommands.h", "SUBCOMMAND") + ["help"]
        for command in re.findall(r"(?m)^ +\$ (?:sudo )?holdfast ([a-z-]+)", page):
            self.assertIn(command, commands)
        for heading in ("A FAILOVER, STEP BY STEP", "CHOOSING FAILBACK", "SIZING", "MIGRATING", "LIMITS"):
            self.assertIn(heading, page)


class Completions(Installed):
    def bash(self, *words):
        script = (f"source {self.at('/usr/share/bash-completion/completions/holdfast')}\n"
                  "COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); _holdfast; printf '%s\\n' \"${COMPREPLY[@]}\"")
        return run("bash", "-c", script, "bash", "holdfast", *words).split()

    def fish(self, *words):
        line = " ".join(("holdfast",) + words)
        said = run("fish", "--no-config", "-c", f"source {self.at('/usr/share/fish/vendor_completions.d/holdfast.fish')}; "
                   f"complete -C '{line}'", env={"HOME": self.dest})
        return [line.split("\t")[0] for line in said.split("\n") if line]

    def zsh(self, *words):
        """_arguments and _describe want a terminal's line editor: the function is run with stand-ins that say what
        they were given."""
        script = ("_describe() { print -l ${(P)2%%:*} }\n_arguments() { print -l -- $@ }\n"
                  f"words=(\"$@\"); CURRENT=$#; source {self.at('/usr/share/zsh/vendor-completions/_holdfast')}")
        return run("zsh", "-f", "-c", script, "zsh", "holdfast", *words)

    def test_commands(self):
        commands = sorted(table("subcommands.h", "SUBCOMMAND") + ["help"])
        self.assertEqual(sorted(self.bash("")), commands)
        self.assertEqual(sorted(c for c in self.fish(" ") if not c.startswith("-")), commands)
        self.assertEqual(sorted(self.zsh("").split()), commands)
        self.assertEqual(sorted(self.bash("rel")), ["reload"])

    def test_options_of_a_command(self):
        expected = {"--help", "--config", "--json"}
        self.assertEqual(set(self.bash("check", "--")), expected)
        self.assertEqual({c for c in self.fish("check", "--")}, expected)
        said = self.zsh("check", "--")
        self.assertEqual(set(re.findall(r"^\*(--[a-z-]+)\[", said, re.M)), expected - {"--help"})

    def test_words_of_an_option(self):
        self.assertEqual(set(self.bash("tail", "--color", "")), {"auto", "always", "never"})
        self.assertEqual(set(self.fish("tail", "--color", " ")), {"auto", "always", "never"})
        self.assertIn("(auto always never)", self.zsh("tail", "--"))
        self.assertEqual(set(self.bash("tail", "--event", "")), set(table("events.h", "EVENT")))

    def test_files_of_an_option(self):
        with tempfile.TemporaryDirectory() as where:
            open(os.path.join(where, "mine.conf"), "w").close()
            self.assertEqual(self.bash("run", "-c", where + "/mi"), [where + "/mine.conf"])
            self.assertIn(where + "/mine.conf", self.fish("run", "-c", where + "/mi"))


class Unit(Installed):
    def test_systemd_finds_no_fault(self):
        unit = self.at("/usr/lib/systemd/system/holdfast.service")
        # The programs that it names are looked for: here they are elsewhere.
        text = self.read("/usr/lib/systemd/system/holdfast.service").replace("/usr/bin/holdfast",
                                                                             self.at("/usr/bin/holdfast"))
        with tempfile.TemporaryDirectory() as where:
            copy = os.path.join(where, "holdfast.service")
            with open(copy, "w") as f:
                f.write(text)
            said = run("systemd-analyze", "verify", "--man=no", copy)
        self.assertNotIn("holdfast.service:", said)
        self.assertTrue(os.path.exists(unit))

    def test_it_is_hardened(self):
        said = run("systemd-analyze", "security", "--offline=yes", f"--root={self.dest}", "--no-pager",
                   "holdfast.service", status=None)
        exposure = float(re.search(r"Overall exposure level for holdfast.service: ([\d.]+)", said)[1])
        self.assertLessEqual(exposure, EXPOSURE_MAX)


class Package(unittest.TestCase):
    def test_it_is_built_with_what_the_build_needs(self):
        needed = set(re.search(r'^build="(.*)"$', source("tests/lib/deps.sh"), re.M)[1].split())
        wanted = set(re.findall(r"[^ ,()=]+", re.search(r"^Build-Depends: (.*)$", source("packaging/debian/control"),
                                                        re.M)[1]))
        # build-essential, which every Debian package may rely on
        self.assertEqual(wanted - {"debhelper-compat", "13"}, needed - {"gcc", "make", "libc6-dev"})

    def test_the_debian_packages(self):
        said = run("make", "-s", "deb", f"B={os.environ.get('B', 'build')}", env={"HOLDFAST_BUILT": BUILD})
        library, deb = (os.path.join(ROOT, line) for line in said.strip().split("\n")[-2:])
        self.the_library(library)
        self.the_program(deb)

    def the_library(self, deb):
        self.assertIn("Package: libholdfast-lease-dev\n", run("dpkg-deb", "-f", deb))
        with tempfile.TemporaryDirectory() as where:
            run("dpkg-deb", "-x", deb, where)
            found = {re.sub(r"/lib/[^/]*-linux-[^/]*/", "/lib/*/", os.path.join(at, name)[len(where):])
                     for at, _, names in os.walk(where) for name in names}
            self.assertEqual({path for path in found if not path.startswith("/usr/share/doc/")},
                             {"/usr/include/holdfast/lease.h", "/usr/lib/*/libholdfast-lease.a",
                              "/usr/lib/*/pkgconfig/holdfast-lease.pc"})
            self.assertIn("/usr/share/doc/libholdfast-lease-dev/examples/leader.c", found)

    def the_program(self, deb):
        fields = run("dpkg-deb", "-f", deb)
        self.assertIn("Package: holdfast\n", fields)
        depends = re.search(r"^Depends: (.*)$", fields, re.M)[1]
        libraries = set(re.findall(r"\blib[a-z][^ ,]*", depends)) - {"libc6"}
        self.assertEqual(libraries, set(source("packaging/debian/libraries").split()), "packaging/debian/libraries")
        with tempfile.TemporaryDirectory() as where:
            run("dpkg-deb", "-x", deb, where)
            run("dpkg-deb", "-e", deb, where + "/DEBIAN")
            pages = [n for _, _, names in os.walk(where + "/usr/share/man") for n in names]
            self.assertEqual([n for n in pages if not n.endswith(".gz")], [])
            self.assertIn("holdfast.conf.5.gz", pages)
            self.assertRegex(run(where + "/usr/bin/holdfast", "version"), r"^holdfast \d")
            run(where + "/usr/bin/holdfast", "check", "-c", where + "/etc/holdfast/holdfast.conf")
            with open(where + "/DEBIAN/conffiles") as f:
                self.assertEqual(sorted(f.read().split()), ["/etc/holdfast/holdfast.conf", "/etc/logrotate.d/holdfast"])
            self.assertEqual(dead_links(where + "/usr/share/doc/holdfast"), [])
            self.assertTrue(os.path.exists(where + "/usr/share/doc/holdfast/conf/README.md"))
            for script in ("postinst", "postrm"):
                run("sh", "-n", f"{where}/DEBIAN/{script}")
            with gzip.open(where + "/usr/share/doc/holdfast/changelog.gz", "rt") as f:
                self.assertIn("# Changes", f.read())


if __name__ == "__main__":
    unittest.main(verbosity=2)
