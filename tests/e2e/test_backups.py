"""What a server is told of its sessions' backups is the product's promise: a copy that it keeps there is where
the session goes, whichever way the request came. Real nodes, each with a server beside it."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import holdfast
from test_mesh import KEYED, RETRY, Mesh


def told(origin):
    return origin.requests[-1].fields.get("Holdfast-Backups")


def test_backups_are_the_same_through_every_node():
    """The node that a request came through is no place to hand it on to, and is a backup all the same."""
    m = Mesh(ids="abcd", session=KEYED)
    for key in m.keys_of("a", 12):
        for i in m.ids:
            assert m.through(i, key).id == "a"
            assert told(m.origins["a"]) == ",".join(m.order(key)[1:3]), (key, i)


def test_the_first_backup_told_is_who_takes_over():
    """Told through each survivor; then the primary's machine dies, and that one serves through each of them."""
    m = Mesh(ids="abc", session=KEYED, passive=RETRY)
    keys = m.keys_of("a", 8)
    first = {}
    for key in keys:
        for i in "bc":
            m.through(i, key)
            first.setdefault(key, set()).add(told(m.origins["a"]).split(",")[0])
    m.nodes["a"].expected_exit = -9
    m.nodes["a"].kill()
    m.origins["a"].go()
    for key in keys:
        assert {m.through(i, key).id for i in "bc"} == first[key], key


def test_who_serves_away_from_home_tells_of_those_behind_it():
    """The backup that processes names who comes next, not the dead, nor itself."""
    m = Mesh(ids="abcd", session=KEYED, passive=RETRY)
    keys = m.keys_of("a", 8)
    m.nodes["a"].expected_exit = -9
    m.nodes["a"].kill()
    m.origins["a"].go()
    for key in keys:
        order = m.order(key)
        for i in "bcd":
            assert m.through(i, key).id == order[1]
        for i in "bcd":  # all of them know by now that a is gone
            m.through(i, key)
            assert told(m.origins[order[1]]) == ",".join(order[2:4]), (key, i)


if __name__ == "__main__":
    holdfast.main()
