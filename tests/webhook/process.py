"""What the kernel says of a running process."""

import os
import re


class Process:
    def __init__(self, pid):
        self.pid = pid

    def _status(self, key):
        with open(f"/proc/{self.pid}/status") as status:
            return int(re.search(rf"^{key}:\s+(\d+) kB$", status.read(), re.M).group(1))

    def anonymous(self):
        """KiB of resident memory that belong to no file."""
        return self._status("RssAnon")

    def peak(self):
        """The most KiB that were resident at a time since forget_peak."""
        return self._status("VmHWM")

    def forget_peak(self):
        with open(f"/proc/{self.pid}/clear_refs", "w") as file:
            file.write("5")

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))
