#!/usr/bin/env python3
"""Judges what runs of the public prober wrote (JUnit's XML).

  prober.py FILE=TESTS...

Fails unless every file tells of as many tests as named and all of them passed, but for those that
failed only because a message has other words: an assertion that one text is in another.
"""
import re
import sys
import xml.etree.ElementTree

WORDING = re.compile(r"AssertionError: assert (['\"]).*\1 in (['\"])", re.DOTALL)


def judge(path, expected):
    """Prints what came of the tests in a file; returns whether that is good."""
    tests = list(xml.etree.ElementTree.parse(path).iter("testcase"))
    wording, failed = 0, []
    for test in tests:
        for why in [*test.iter("failure"), *test.iter("error"), *test.iter("skipped")]:
            message = why.get("message", "")
            if why.tag == "failure" and WORDING.match(message):
                wording += 1
            else:
                failed.append(f"{test.get('classname')} {test.get('name')}: {message[:300]}")
    passed = len(tests) - wording - len(failed)
    print(f"prober: {passed} of {expected} pass, {wording} compare only words, {len(failed)} fail")
    for line in failed:
        print(f"  {line}")
    return len(tests) == expected and not failed


def main():
    files = [argument.rsplit("=", 1) for argument in sys.argv[1:]]
    good = [judge(path, int(tests)) for path, tests in files]
    sys.exit(0 if good and all(good) else 1)


if __name__ == "__main__":
    main()
