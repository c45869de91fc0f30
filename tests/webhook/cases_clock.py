"""Certificate files as they shouldn't be, and a wall clock that jumps. Throughout, what was served stays served."""

import glob
import os
import re
import subprocess
import threading
import time

from cases_life import Callers, put_pair, served
from harness import check, der, Failed, first_certificate, make_certificate, Server, swap_volume, TIMEOUT, wait_for, write

DAY = 86400


# ---- files ----

def certificate_swapped_in_a_loop(program):
    """Whatever half of which pair a reader meets: each handshake gets a pair that matches."""
    pairs = [make_certificate(f"pair {i}") for i in range(2)]
    known = {der(pair[0]) for pair in (*pairs, first_certificate())}
    with Server(program, volumes=True) as server, Callers(server, threads=2) as callers:
        over, seen, wrong = threading.Event(), [], []

        def shake():
            while not over.is_set():
                try:
                    seen.append(served(server))
                except (OSError, Failed) as error:
                    wrong.append(f"{type(error).__name__}: {error}")
        threads = [threading.Thread(target=shake) for _ in range(3)]
        for thread in threads:
            thread.start()
        swaps, start = 0, time.monotonic()
        while time.monotonic() < start + 4 or (min(swaps, len(seen)) <= 50 and time.monotonic() < start + TIMEOUT):
            put_pair(server, pairs[swaps % 2])
            swaps += 1
        over.set()
        for thread in threads:
            thread.join()
        last = der(pairs[(swaps - 1) % 2][0])
        wait_for("the last pair", lambda: served(server) == last)
        check(not wrong and not callers.wrong, f"{len(wrong)} handshakes failed: {(wrong + callers.wrong)[:3]}")
        check(swaps > 50 and len(seen) > 50, f"{swaps} swaps and {len(seen)} handshakes only")
        check(set(seen) <= known, "a certificate that nobody put there")
        check(len(set(seen)) > 1, "nothing new was ever served")


def certificate_files_spoilt(program):
    good = make_certificate("good")
    cut = [text[:len(text) // 2] for text in good]
    bad = {"no PEM certificate": [("", good[1]), (cut[0], good[1]), ("\0" * 500, good[1]), (good[1], good[1])],
           "no usable PEM private key": [(good[0], ""), (good[0], cut[1]), (good[0], good[0])],
           "at most 1 MiB": [(good[0] + "#" * (1 << 20), good[1])]}
    with Server(program, volumes=True) as server, Callers(server) as callers:
        first, count = served(server), 0
        for reason, pairs in bad.items():
            for pair in pairs:
                put_pair(server, pair)
                count += 1
                server.wait_metric("gastown_certificate_refused_total", lambda n, least=count: n >= least)
                check(served(server) == first, f"{reason}: the old pair isn't served")
            server.wait_log(re.escape(reason))
        check(server.get("/readyz")[0] == 200 and server.metric("gastown_webhook_ready") == 1, "not ready, though the old pair is good")
        put_pair(server, good)
        wait_for("the good one", lambda: served(server) == der(good[0]))
        check(not callers.wrong, f"{callers.wrong[:3]}")


def certificate_permission(program):
    """Without the right to read everything that root has, should root run this."""
    good = make_certificate("good")
    server = Server(program)
    wrapper = os.path.join(server.folder, "run")
    write(wrapper, f'#!/bin/sh\nexec setpriv --bounding-set=-dac_override,-dac_read_search "{program}" "$@"\n' if os.geteuid() == 0
          else f'#!/bin/sh\nexec "{program}" "$@"\n')
    os.chmod(wrapper, 0o755)
    server.program = wrapper
    with server, Callers(server) as callers:
        first = served(server)
        write(server.cert, good[0])
        write(server.key, good[1])
        os.chmod(server.key, 0)
        server.wait_log(r"refused; what was there before stays what=certificate.*tls\.key: can't be read")
        check(served(server) == first and server.get("/readyz")[0] == 200, "the old pair isn't served")
        os.chmod(server.key, 0o600)
        wait_for("the readable pair", lambda: served(server) == der(good[0]))
        os.chmod(server.certs, 0)
        server.wait_log(r"Permission denied")
        check(served(server) == der(good[0]), "gone with the right to enter the directory")
        os.chmod(server.certs, 0o700)
        check(not callers.wrong, f"{callers.wrong[:3]}")


def certificate_directory_vanishes(program):
    with Server(program, volumes=True) as server, Callers(server) as callers:
        first = served(server)
        aside = server.certs + ".aside"
        os.rename(server.certs, aside)
        server.wait_log(r"refused; what was there before stays what=certificate error=.*No such file")
        check(served(server) == first and server.get("/readyz")[0] == 200, "the certificate is gone with its directory")
        os.mkdir(server.certs)
        for i in range(2):  # the new directory is watched, too
            pair = make_certificate(f"back {i}")
            swap_volume(server.certs, dict(zip(("tls.crt", "tls.key"), pair)))
            wait_for("the pair of the new directory", lambda wanted=der(pair[0]): served(server) == wanted)
        check(not callers.wrong, f"{callers.wrong[:3]}")


# ---- the clock ----

def clock_environment(program, control):
    """Only the wall clock is faked: time-outs go by the monotonic one. A sanitizer's library wants to be the first one."""
    found = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
    check(found, "libfaketime isn't installed: .ci/deps")
    linked = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    sanitizers = re.findall(r"=> (\S*lib[a-z]*san\.so\S*)", linked)
    return {"LD_PRELOAD": " ".join(sanitizers + found), "FAKETIME_TIMESTAMP_FILE": control, "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1"}


def clock_jumps(program):
    server = Server(program, volumes=True)
    control = os.path.join(server.folder, "clock")

    def jump(seconds):
        write(control, f"{seconds:+d}\n")
    jump(0)
    server.env.update(clock_environment(program, control))

    def await_ready():
        wait_for("readiness", lambda: server.get("/readyz")[0] == 200)
        check(server.metric("gastown_webhook_ready") == 1, "/metrics disagrees")

    def await_unready():
        status, text = wait_for("unreadiness", lambda: server.get("/readyz")[0] == 503 and server.get("/readyz"))
        check(status == 503 and "certificate" in text, f"{status} {text!r}")
        check(server.metric("gastown_webhook_ready") == 0, "/metrics disagrees")
    with server, Callers(server) as kept, Callers(server, threads=2, keep_alive=False) as fresh:
        first, expiry = served(server), server.metric("gastown_certificate_expiry_timestamp_seconds")
        await_ready()
        for days in (3, -3):  # expired, not valid yet; and back
            jump(days * DAY)
            await_unready()
            check(served(server) == first, "the old pair isn't served")
            check(server.metric("gastown_certificate_expiry_timestamp_seconds") == expiry, "the expiry moves with the clock")
            check(0 <= server.metric("gastown_catalogue_age_seconds") < 3600, "the templates' age jumps with the clock")
            jump(0)
            await_ready()
        later = make_certificate("later", (2 * DAY, 9 * DAY))
        put_pair(server, later)
        server.wait_log("isn't valid before")
        check(served(server) == first, "served before its time")
        jump(3 * DAY)  # the first has expired, the one that was refused is good: no file changes
        wait_for("the later pair", lambda: served(server) == der(later[0]))
        await_ready()
        jump(0)
        await_unready()
        check(served(server) == der(later[0]), "what is served changes with the clock alone")
        renewed = make_certificate("renewed")
        put_pair(server, renewed)
        wait_for("the renewed pair", lambda: served(server) == der(renewed[0]))
        await_ready()
        kept.wait()
        fresh.wait()
        check(not kept.wrong and not fresh.wrong, f"{(kept.wrong + fresh.wrong)[:3]}")
        check(server.metric("gastown_webhook_reaped_connections_total") == 0, "the wall clock ends connections")


CASES = [certificate_swapped_in_a_loop, certificate_files_spoilt, certificate_permission, certificate_directory_vanishes, clock_jumps]
