#!/usr/bin/env python3
"""Reads tables that `casefile tables` has brought, with pandas, DuckDB and polars.

    python tables.py prepare SAMPLES          stores the sample tables, in the bucket that the environment names
    python tables.py check SAMPLES SYNCED     compares what each program reads with what pyarrow reads of the samples

SYNCED is a folder that `casefile tables sync --to` has made. `casefile` must be in PATH. Prints every failure and one
summary line; fails on any failure.

Needs requirements-tables.txt: DuckDB, pandas, polars and pyarrow.
"""

import os
import pathlib
import shutil
import subprocess
import sys

import duckdb
import pandas
import polars
import pyarrow.fs
import pyarrow.parquet


def samples(folder):
    return {path.stem: path for path in sorted(pathlib.Path(folder).glob("*.parquet"))}


def prepare(folder):
    scheme, _, address = os.environ["AWS_ENDPOINT_URL_S3"].partition("://")
    s3 = pyarrow.fs.S3FileSystem(
        access_key=os.environ["AWS_ACCESS_KEY_ID"],
        secret_key=os.environ["AWS_SECRET_ACCESS_KEY"],
        region=os.environ["AWS_REGION"],
        endpoint_override=address,
        scheme=scheme,
    )
    for name, path in samples(folder).items():
        key = f"{os.environ['S3_BUCKET_NAME']}/parquet/{name}.parquet"
        with path.open("rb") as source, s3.open_output_stream(key) as target:
            shutil.copyfileobj(source, target)


def casefile(*arguments):
    done = subprocess.run(["casefile", "tables", *arguments], capture_output=True, text=True, timeout=120)
    if done.returncode != 0:
        sys.exit(f"casefile tables {' '.join(arguments)}: {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def rows(table):
    """As Python's own values: dates and times as one kind, whatever a program makes of them."""
    return [{name: plain(value) for name, value in row.items()} for row in table]


def plain(value):
    if value is None or value != value:  # NaN and NaT
        return None
    return value.to_pydatetime() if isinstance(value, pandas.Timestamp) else value


def readers(path):
    """What each program reads, in the README's words: the columns' names, and the rows."""
    frame = pandas.read_parquet(path)
    yield "pandas", list(frame.columns), rows(frame.to_dict("records"))
    relation = duckdb.sql(f"SELECT * FROM '{path}'")
    yield "DuckDB", relation.columns, rows(dict(zip(relation.columns, row)) for row in relation.fetchall())
    frame = polars.scan_parquet(path).collect()
    yield "polars", frame.columns, rows(frame.to_dicts())


def check(folder, synced):
    failures, read = [], 0
    tables = samples(folder)
    for name, sample in tables.items():
        expected = pyarrow.parquet.read_table(sample)
        content = rows(expected.to_pylist())
        got = casefile("get", name)
        copies = [got.removesuffix("\n"), str(pathlib.Path(synced) / f"{name}.parquet")]
        if casefile("get", name, "--offline") != got:
            failures.append(f"{name}: offline it is another file")
        for path in copies:
            if pathlib.Path(path).read_bytes() != sample.read_bytes():
                failures.append(f"{path}: not the sample's bytes")
            for program, columns, found in readers(path):
                read += 1
                if columns != expected.column_names:
                    failures.append(f"{path}: {program} reads the columns {columns}")
                if len(found) != expected.num_rows:
                    failures.append(f"{path}: {program} reads {len(found)} rows of {expected.num_rows}")
                elif found != content:
                    failures.append(f"{path}: {program} reads other values")
    joined = duckdb.sql(
        f"SELECT count(*) FROM '{synced}/encounter_maindata.parquet' JOIN '{synced}/demographics_maindata.parquet' "
        "USING (patient_id)"
    ).fetchall()
    encounters = pyarrow.parquet.read_table(tables["encounter_maindata"])
    patients = pyarrow.parquet.read_table(tables["demographics_maindata"])
    both = encounters.join(patients, "patient_id", join_type="inner").num_rows
    if joined != [(both,)] or not both:
        failures.append(f"DuckDB joins {joined}, pyarrow {both}")
    for failure in failures:
        print(failure, file=sys.stderr)
    print(f"{len(tables)} tables read {read} times, {len(failures)} failures")
    sys.exit(bool(failures) or not read)


def main():
    match sys.argv[1:]:
        case ["prepare", folder]:
            prepare(folder)
        case ["check", folder, synced]:
            check(folder, synced)
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()
