"""Parts of a configuration, as guides show them, made whole: so that `holdfast check` can say what it thinks of each.

A fragment belongs where all its outer keys are keys: the file's top level, else a service, `cluster`, or a listener
(include/tbl/config_keys.h). What it does not say is said for it, in the least way: a listener, two members, and where
its words want one, a cluster of three voters. Files that it names are made.
"""

import getpass
import os
import re

import document

NODES = ", ".join(f'{{ id = "{i}"; http = "10.0.0.{n}:8080"; address = "10.0.0.{n}:7946"; voter = true; }}' for n, i in enumerate("abc", 1))
NAMED = 'name = "shop"; nodes = ( ' + NODES + " );"
BESIDE = "members = ( " + ", ".join(f'{{ id = "{i}"; origin = "127.0.0.1:900{n}"; node = "10.0.0.{n}:8080"; }}'
                                     for n, i in enumerate("abc", 1)) + " );"
MEMBERS = 'members = ( { id = "a"; origin = "127.0.0.1:9001"; }, { id = "b"; origin = "127.0.0.1:9002"; } );'
OF_CLUSTERS = re.compile(r'"race"|"master"|\bfence =|\badmission =')


def outer(text):
    """Names at the fragment's own level, in their order."""
    text = re.sub(r'"[^"\n]*"', '""', re.sub(r"#.*", "", text))
    depth, names = 0, []
    for word in re.findall(r"\w+(?= = )|[({\[\]})]", text):
        depth += {"(": 1, "{": 1, "[": 1, ")": -1, "}": -1, "]": -1}.get(word, 0)
        if depth == 0 and word[0].isalpha():
            names.append(word)
    return names


def keys():
    """{level: names}"""
    found = {"": set(), "services[]": set(), "cluster": set(), "listeners[]": set()}
    for path in re.findall(r'^CONFIG_\w+\(\w+, "([^"]+)"', document.read("include/tbl/config_keys.h"), re.M):
        found[""].add(re.match(r"\w+", path)[0])
        for level in found:
            if level and path.startswith(level + "."):
                found[level].add(re.match(r"\w+", path[len(level) + 1:])[0])
    return found


def level(text):
    """Where it belongs; None: nowhere."""
    names = outer(text)
    return next((where for where, known in keys().items() if names and set(names) <= known), None)


def whole(text):
    """A file with it."""
    where = level(text)
    names = outer(text)
    in_cluster = where == "cluster" or bool(OF_CLUSTERS.search(text)) or "cluster" in names
    if where == "services[]":
        more = "" if {"members", "discover"} & set(names) else BESIDE if in_cluster else MEMBERS
        text = 'services = ( { name = "shop";\n' + text + "\n" + more + " } );"
    elif where == "cluster":
        text = "cluster = { " + text + "\n" + ("" if "nodes" in names else NAMED) + " };"
    elif where == "listeners[]":
        text = 'listeners = ( { address = "127.0.0.1:8080"; ' + text + " } );"
    names = outer(text)
    missing = {"state_dir": 'state_dir = ".";', "services": f'services = ( {{ name = "shop"; {BESIDE if in_cluster else MEMBERS} }} );'}
    missing["listeners"] = 'listeners = ( { address = "' + ("10.0.0.1:8080" if in_cluster else "127.0.0.1:8080") + '"; } );'
    if in_cluster:
        missing.update(cluster="cluster = { " + NAMED + " };", node='node = "a";',
                       secrets='secrets = ( { id = "k1"; file = "/etc/holdfast/secret.k1"; } );')
    return text + "\n" + "\n".join(said for name, said in missing.items() if name not in names) + "\n"


def place(text, where, certificate):
    """The same with files of our own, which are made in the directory `where`. `certificate`: tls.Certificate"""
    for there in ("/etc/holdfast/tls", "/etc/holdfast", "/var/log/holdfast", "/run/holdfast", "/run", "/mnt/shared"):
        text = text.replace(f'"{there}/', f'"{where}/').replace(f":{there}/", f":{where}/")
    text = text.replace('user = "holdfast"', f'user = "{getpass.getuser()}"')
    for name in re.findall(r'"([^"]+)"', text):
        path = os.path.join(where, name)
        if name.endswith(".pem"):
            copy(certificate.chain, path)
        elif name.endswith(".key"):
            copy(certificate.key, path)
        elif os.path.basename(name).startswith("secret."):
            with open(path, "w") as f:
                f.write("0123456789abcdef" * 4)
            os.chmod(path, 0o600)
    return text


def copy(path, to):
    with open(path) as f, open(to, "w") as out:
        out.write(f.read())
    os.chmod(to, 0o600)
