"""One line a check, and at the end how many failed."""

import sys
import time


class Report:
    """Collects what was found, so that one run names everything that is wrong."""

    def __init__(self):
        self.passed, self.failed, self.started = 0, 0, time.monotonic()

    def part(self, title):
        """Says what comes next."""
        print(f"{title} ({time.monotonic() - self.started:.0f} s)", flush=True)

    def check(self, what, holds, why=""):
        """Notes whether something holds."""
        if holds:
            self.passed += 1
            print(f"  ok      {what}", flush=True)
        else:
            self.failed += 1
            print(f"  FAILED  {what}: {why}" if why else f"  FAILED  {what}", flush=True)
        return holds

    def same(self, what, found, wanted):
        """Notes whether what was found is what is wanted."""
        return self.check(what, found == wanted, f"\n            found  {found}\n            wanted {wanted}")

    def end(self):
        """Says how it went and ends with 1 when something failed."""
        seconds = time.monotonic() - self.started
        print(f"{self.passed} checks passed, {self.failed} failed, in {seconds:.0f} s", flush=True)
        sys.exit(1 if self.failed else 0)
