"""tests/lib/requirements.py finds each fault that it is there for."""

import unittest

import requirements


class Faults(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.tree = requirements.Tree()
        cls.text = requirements.read(requirements.FILE)
        cls.claims = requirements.read(requirements.CLAIMS_FILE)

    def refuses(self, old, new, what):
        self.assertIn(old, self.text)
        _, problems = requirements.check(self.text.replace(old, new, 1), self.tree)
        self.assertTrue(any(what in p for p in problems), problems)

    def test_a_number_is_missing(self):
        self.refuses("### 17. ", "#### 17. ", "the numbers are not 1 to 60: [17]")
        self.refuses("### 60. ", "### 61. ", "the numbers are not 1 to 60: [60, 61]")

    def test_a_test_that_is_not_there(self):
        self.refuses("test_must_02_white_space_before_the_first_field\n", "test_must_02_other\n",
                     "there is no test `http/test_request: test_must_02_other` that is run")
        self.refuses("http/test_request: test_must_02", "http/test_nothing: test_must_02", "there is no test `http/test_nothing")
        self.refuses("wire: a02_chunked.vtc", "wire: a99_chunked.vtc", "`wire: a99_chunked.vtc`")
        self.refuses("fuzz_cookie", "fuzz_cake", "`fuzz: fuzz_cake`")
        self.refuses("memcheck: relay/test_exchange", "memcheck: relay/test_journal", "`memcheck: relay/test_journal`")

    def test_a_test_that_nobody_names(self):
        self.refuses(", test_must_01_heads_are_octets", "", "test_must_01_heads_are_octets is not named under 1")

    def test_an_entry_that_says_nothing(self):
        self.refuses("\n- e2e/test_must_fields: test_must_29_allow_is_untouched", "", "it names no test")
        line = next(l for l in self.text.split("\n") if l.startswith("- until -lz:"))
        self.refuses(line, "- until -lz: no", "no reason")

    def test_what_had_to_wait(self):
        self.refuses("until -lz:", "until -levent_core:", "`-levent_core` is there now")
        self.refuses("until -lz:", "until attempts_max:", "`attempts_max` is there now")

    def refuses_claims(self, old, new, what):
        self.assertIn(old, self.claims)
        _, problems = requirements.check_claims(self.claims.replace(old, new, 1), self.tree)
        self.assertTrue(any(what in p for p in problems), problems)

    def test_claims(self):
        self.refuses_claims("### E12. ", "#### E12. ", "there is no line E12")
        self.refuses_claims("### U13. ", "### U14. ", "there is no such line as U14")
        self.refuses_claims("test_u06_the_first_offer_wins", "test_u06_other", "there is no test `e2e/test_race: test_u06_other`")
        self.refuses_claims("test_c09_the_sender_is_not_trusted", "test_c08_the_second_backup_reads_the_primary_anew",
                            "test_c09_the_sender_is_not_trusted is not named under C9")
        self.refuses_claims("- e2e/test_question: test_m09_every_server_is_told_by_heartbeat, "
                            "test_m09_the_asked_node_tells_every_other_before_its_own_time_has_come\n", "", "M9: it names no test")
        self.refuses_claims("- e2e/test_question: test_m09_every_server_is_told_by_heartbeat, "
                            "test_m09_the_asked_node_tells_every_other_before_its_own_time_has_come\n",
                            "- cluster/test_ask: *\n", "is no end-to-end test")

    def test_the_claims_themselves(self):
        passed, problems = requirements.check_claims(self.claims, self.tree)
        self.assertEqual(problems, [])
        self.assertEqual(passed, sum(requirements.CLAIMS.values()))

    def test_the_file_itself(self):
        passed, problems = requirements.check(self.text, self.tree)
        self.assertEqual(problems, [])
        self.assertGreaterEqual(passed, sum(requirements.LISTS.values()))


if __name__ == "__main__":
    unittest.main()
