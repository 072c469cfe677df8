"""tests/lib/requirements.py finds each fault that it is there for."""

import unittest

import requirements


class Faults(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.tree = requirements.Tree()
        cls.text = requirements.read(requirements.FILE)

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
        self.refuses(": HTTP/2 is not spoken\n", ": no\n", "no reason")

    def test_what_had_to_wait(self):
        self.refuses("until -lnghttp2:", "until -levent_core:", "`-levent_core` is there now")
        self.refuses("until services[].tls:", "until attempts_max:", "`attempts_max` is there now")

    def test_the_file_itself(self):
        passed, problems = requirements.check(self.text, self.tree)
        self.assertEqual(problems, [])
        self.assertGreaterEqual(passed, sum(requirements.LISTS.values()))


if __name__ == "__main__":
    unittest.main()
