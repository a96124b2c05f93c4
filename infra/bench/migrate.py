#!/usr/bin/env python3
"""Moves files into S3 with casefile migrate, rclone and aws s3 sync, one after the other, and prints what each takes.

    infra/bench/migrate.py [--files 10000] [--bytes 50000] [--delay 20] [--runs 3] [--at-once 64]

Each run has an embedded S3 of its own on this machine, which lets every request wait for --delay milliseconds. What it
stores, 5 GB in all, is removed at the end: a file system is slow for minutes where much was deleted. Of casefile, one
more run is killed halfway and repeated; then every object is counted and compared. What isn't installed is left out:
rclone (Debian's package, or https://rclone.org) and aws (`pip install awscli`) are looked for in PATH.
"""

import argparse
import hashlib
import json
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUCKET, AUDIT = "bench-artifacts", "bench-audit"
YEARS = (2023, 2024)
HEADERS = ("", "wall s", "user s", "system s", "CPU s", "peak MB", "requests")


def main():
    asked = arguments()
    tools = {"rclone": shutil.which("rclone"), "aws": shutil.which("aws")}
    build()
    with tempfile.TemporaryDirectory(prefix="casefile-bench-") as work:
        work = Path(work)
        files = make_files(work / "files", asked)
        print(f"{asked.files} files of {asked.bytes} bytes, {asked.delay} ms a request, {asked.at_once} at once, "
              f"median of {asked.runs} runs", flush=True)
        measured = {}
        for run in range(asked.runs):
            for name, steps in subjects(tools, asked).items():
                for step, figures in one_run(work / f"{run}-{name}", files, steps, asked).items():
                    measured.setdefault(step, []).append(figures)
        table(measured)
        for name, path in tools.items():
            if path is None:
                print(f"left out: {name}, which isn't installed")
        interrupted(work / "killed", files, asked)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--bytes", type=int, default=50_000)
    parser.add_argument("--delay", type=int, default=20, help="milliseconds a request")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--at-once", type=int, default=64, help="files under way")
    return parser.parse_args()


def build():
    # casefile as `cargo install` builds it. Not both in one call: that would join their features.
    for what in (["release", "--package", "casefile-cli"], ["tools", "--package", "casefile-local", "--example", "s3_alone"]):
        subprocess.run(["cargo", "build", "--quiet", "--locked", "--profile", *what], cwd=ROOT, check=True)


def program(name):
    target = os.environ.get("CARGO_TARGET_DIR", ROOT / "target")
    return str(Path(target) / name)


def make_files(folder, asked):
    """Bills of lading by their names; none is like another, and none can be packed."""
    folder.mkdir()
    noise = random.Random(7)
    for index in range(asked.files):
        year = YEARS[index % len(YEARS)]
        number = index // len(YEARS) + 1
        content = b"%PDF-1.7\n" + noise.randbytes(asked.bytes - 16) + b"\n%%EOF\n"
        (folder / f"PRT-{year}-{number:04}.pdf").write_bytes(content)
    return folder


def subjects(tools, asked):
    """What is measured: the steps of each, by their names."""
    casefile = program("release/casefile")
    subjects = {"casefile": {
        "casefile plan": [casefile, "migrate", "plan", "--collection", "bols", "--from", "FILES", "--out", "WORK/plan"],
        "casefile apply": [casefile, "migrate", "apply", "WORK/plan", "--transfers", str(asked.at_once),
                           "--operator", "bench"],
        "casefile verify": [casefile, "migrate", "verify", "WORK/plan"],
    }}
    if tools["rclone"]:
        # Neither asks for the bucket nor looks at each object once more: its fastest.
        subjects["rclone"] = {"rclone copy": [
            tools["rclone"], "copy", "FILES", f":s3:{BUCKET}/bols", "--s3-provider", "Other", "--s3-env-auth",
            "--s3-endpoint", "ENDPOINT", "--transfers", str(asked.at_once), "--checkers", str(asked.at_once),
            "--s3-no-head", "--s3-no-check-bucket", "--config", "/dev/null", "--quiet"]}
    if tools["aws"]:
        subjects["aws"] = {"aws s3 sync": [
            tools["aws"], "s3", "sync", "FILES", f"s3://{BUCKET}/bols", "--endpoint-url", "ENDPOINT", "--only-show-errors"]}
    return subjects


@contextmanager
def server(folder, delay):
    """An S3 of its own; its requests are in the list that is given, once it has ended."""
    arguments = [program("tools/examples/s3_alone"), str(folder), "--bucket", BUCKET, "--bucket", AUDIT, "--delay", str(delay)]
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
    requests = {}
    try:
        yield process.stdout.readline().strip(), requests
    finally:
        process.terminate()
        requests.update(json.loads(process.communicate(timeout=60)[0] or "{}"))


def environment(work, endpoint, asked):
    settings = work / "aws-config"
    settings.write_text(f"[default]\ns3 =\n    max_concurrent_requests = {asked.at_once}\n    max_queue_size = 10000\n")
    return {
        "PATH": os.environ["PATH"], "HOME": str(work), "AWS_CONFIG_FILE": str(settings),
        "AWS_ACCESS_KEY_ID": "casefile", "AWS_SECRET_ACCESS_KEY": "casefile-local-secret",
        "AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1", "AWS_ENDPOINT_URL_S3": endpoint,
        "S3_BUCKET_NAME": BUCKET, "AUDIT_BUCKET_NAME": AUDIT, "DEFAULT_TENANT": "bench",
    }


def one_run(work, files, steps, asked):
    """The figures of each step: seconds of wall, user and system time, and the peak in MB; and the requests of all."""
    work.mkdir()
    figures = {}
    with server(work / "s3", asked.delay) as (endpoint, requests):
        for name, command in steps.items():
            figures[name] = measure(filled(command, work, files, endpoint), environment(work, endpoint, asked), work / "log")
    for name in figures:
        # The server counts a run, not its steps.
        figures[name]["requests"] = sum(requests.values()) if len(figures) == 1 else None
    if len(figures) > 1:
        figures[" + ".join(figures)] = together(figures.values(), requests)
    return figures


def together(parts, requests):
    parts = list(parts)
    added = {key: sum(part[key] for part in parts) for key in ("wall", "user", "system")}
    return {**added, "peak": max(part["peak"] for part in parts), "requests": sum(requests.values())}


def filled(command, work, files, endpoint):
    places = {"FILES": str(files), "ENDPOINT": endpoint}
    return [places.get(word, word.replace("WORK", str(work))) for word in command]


def measure(command, variables, log):
    began = time.monotonic()
    with open(log, "wb") as out:
        process = subprocess.Popen(command, env=variables, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        _, status, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - began
    if status != 0:
        sys.exit(f"{' '.join(command)} failed:\n{log.read_text()}")
    return {"wall": wall, "user": usage.ru_utime, "system": usage.ru_stime, "peak": usage.ru_maxrss / 1024}


def table(measured):
    rows = [HEADERS]
    for name, runs in measured.items():
        middle = {key: statistics.median(run[key] for run in runs) for key in ("wall", "user", "system", "peak")}
        requests = runs[0]["requests"]
        rows.append((name, *(f"{middle[key]:.2f}" for key in ("wall", "user", "system")),
                     f"{middle['user'] + middle['system']:.2f}", f"{middle['peak']:.1f}", requests or ""))
    widths = [max(len(str(row[column])) for row in rows) for column in range(len(HEADERS))]
    for row in rows:
        cells = [str(cell).ljust(width) if column == 0 else str(cell).rjust(width)
                 for column, (cell, width) in enumerate(zip(row, widths))]
        print("  ".join(cells), flush=True)


def interrupted(work, files, asked):
    """Kills an apply halfway and repeats it; then nothing may be missing, and nothing there twice."""
    work.mkdir()
    steps = subjects({"rclone": None, "aws": None}, asked)["casefile"]
    with server(work / "s3", asked.delay) as (endpoint, _):
        variables = environment(work, endpoint, asked)
        run = {name: filled(command, work, files, endpoint) for name, command in steps.items()}
        measure(run["casefile plan"], variables, work / "log")
        process = subprocess.Popen(run["casefile apply"], env=variables, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while process.poll() is None and stored(work) < asked.files // 2:
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
        killed = process.wait() == -signal.SIGKILL
        before = stored(work)
        measure(run["casefile apply"], variables, work / "log")
        measure(run["casefile verify"], variables, work / "log")
    if not killed:
        sys.exit("apply had ended before it was killed")
    versions = versions_below(work / "s3" / BUCKET)
    missing = [path.name for path in files.iterdir() if hashlib.sha256(path.read_bytes()).hexdigest()
               not in versions.get(f"bols/{path.name[4:8]}/{path.name}", ())]
    twice = [key for key, hashes in versions.items() if len(hashes) > 1]
    print(f"killed at {before} of {asked.files} files and repeated: {len(missing)} missing, {len(twice)} stored twice, "
          f"{len(versions)} objects below bols/")
    if missing or twice or len(versions) != asked.files:
        sys.exit("the repeated apply is not what it should be")


def stored(work):
    return sum(1 for _ in (work / "s3" / BUCKET / "objects" / "bols").rglob("*.pdf"))


def versions_below(bucket):
    """The hashes of all versions of each key below bols/, from the server's own records."""
    found = {}
    for record in (bucket / "meta").rglob("*.json"):
        described = json.loads(record.read_text())
        if described["key"].startswith("bols/"):
            content = hashlib.sha256(record.with_suffix(".data").read_bytes()).hexdigest()
            found.setdefault(described["key"], []).append(content)
    return found


if __name__ == "__main__":
    main()
