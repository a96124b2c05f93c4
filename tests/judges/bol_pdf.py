#!/usr/bin/env python3
"""Judges the PDFs of bills of lading, with readers that have nothing to do with the program that wrote them.

    python bol_pdf.py RECORDS OUT [--number NUMBER]... [--program PATH]

Draws each RECORDS/*.json twice, with the example draw_bol, into OUT. Then, for each: both runs gave the same bytes; qpdf
(in pikepdf) and PDFium (in pypdfium2) read it without a warning; every page is US letter, says its number and "Page x of
y", and draws no letter outside its margins; every font is embedded and cut down to what is used; PDFium and pypdf find
every field's text, beside its label; the barcode, as PDFium renders it, is read by ZXing; a character that the font lacks
is an empty box on paper, and named in the warnings with its field. Where they are installed, poppler's own programs,
qpdf and zbarimg do the same, and may not say a word on standard error. Prints every failure and one summary line; fails
on any failure.

Needs requirements-pdf.txt beside this file.
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
import unicodedata
from datetime import date
from decimal import Decimal
from pathlib import Path

import pikepdf
import pypdf
import pypdfium2
import zxingcpp
from pypdfium2 import raw as pdfium

REPOSITORY = Path(__file__).resolve().parent.parent.parent
LETTER = (612, 792)
MARGIN = 36
DPI = 300
BOX = "\N{WHITE SQUARE}"
PROGRAMS = ("qpdf", "pdfinfo", "pdffonts", "pdftotext", "pdftoppm", "zbarimg")
# A word of this length fits into every column, so that no reader may find a blank in it.
WHOLE_WORD = 12
# A field that a page's end cuts counts as found when both parts are, and neither is shorter than this.
PART = 10
TITLE = r"(?:SHIP\s*FROM\s*\(CONSIGNOR\)|MATERIAL|SHIPMENT\s*DETAILS|NOTES|SPECIAL\s*INSTRUCTIONS|CHEMICAL\s*ANALYSIS,\s*PERCENT)"


# What a record says on paper


def fields(record):
    """Each field's pointer, its label and the text that is printed; the label is None where there is none beside it."""
    day = date.fromisoformat(record["date"])
    yield "/date", "DATE", f"{day:%B} {day.day}, {day.year}"
    for name in ("ship_from", "ship_to"):
        party = record[name]
        yield f"/{name}/name", None, party["name"]
        if "care_of" in party:
            yield f"/{name}/care_of", "c/o", party["care_of"]
        for at, line in enumerate(party["address"]):
            yield f"/{name}/address/{at}", None, line
        if "phone" in party:
            yield f"/{name}/phone", "Phone", party["phone"]
    yield from labelled(record, "", {"customer": "CUSTOMER", "customer_po": "CUSTOMER PO", "release_number": "RELEASE NUMBER"})
    carrier = dict(record["carrier"])
    if "scac" in carrier:
        carrier["scac"] = carrier["scac"].upper()
    labels = {"name": "CARRIER", "scac": "SCAC", "truck_number": "TRUCK NUMBER", "trailer_number": "TRAILER NUMBER"}
    yield from labelled(carrier, "/carrier", labels)
    yield "/packages/count", "PACKAGES", f"{record['packages']['count']:,}"
    yield "/packages/kind", "KIND", record["packages"]["kind"]
    yield from labelled(record["product"], "/product", {"name": "DESCRIPTION", "lot": "Lot"})
    yield "/hazardous", "HAZARDOUS", "YES" if record["hazardous"] else "No"
    tons = Decimal(record["net_tons"])
    yield "/net_tons", "SHORT TONS", grouped(tons, 2)
    yield "/net_tons", "NET WEIGHT, LB", grouped(tons * 2000, 0)
    for name, percent in record["product"].get("analysis", {}).items():
        escaped = name.replace("~", "~0").replace("/", "~1")
        yield f"/product/analysis/{escaped}", None, f"{name} {grouped(Decimal(percent), 0)}"
    for name in ("notes", "special_instructions"):
        if name in record:
            yield f"/{name}", None, record[name]


def labelled(values, pointer, labels):
    for name, label in labels.items():
        if name in values:
            yield f"{pointer}/{name}", label, values[name]


def grouped(number, least):
    """With thousands separators, and at least so many digits after the point."""
    whole, _, fraction = f"{number:,f}".partition(".")
    fraction = fraction.rstrip("0").ljust(least, "0")
    return f"{whole}.{fraction}" if fraction else whole


def is_lacking(c):
    """Whether the font lacks a character, of those in the fixtures: ideographs, letters without case and pictures."""
    return unicodedata.category(c) in ("Lo", "So") and c != BOX


def lacking(text):
    return list(dict.fromkeys(c for c in text if is_lacking(c)))


# What a reader found


def normal(text):
    """Spelled alike, without what can't be seen, every blank and line break one blank."""
    text = unicodedata.normalize("NFKC", text)
    return " ".join("".join(c for c in text if unicodedata.category(c) != "Cf").split())


def compact(text):
    return "".join(normal(text).split())


class Found:
    """The pages' texts, without what stands at every page's head and foot."""

    def __init__(self, pages, number, characters=lambda text: text):
        self.characters = characters
        number = r"\s*".join(map(re.escape, number))
        head = rf"^\s*Straight\s*Bill\s*of\s*Lading\s*{number},\s*continued\s*(?:{TITLE}\s*\(CONTINUED\))?"
        foot = rf"Bill\s*of\s*lading\s*{number}\s*Page\s*\d+\s*of\s*\d+\s*$"
        self.whole_pages = [normal(page) for page in pages]
        bare = [re.sub(foot, "", re.sub(head, "", page)) for page in self.whole_pages]
        self.text = normal(" ".join(bare))
        self.pages = [compact(page) for page in bare]
        self.compact = "".join(self.pages)

    def has(self, text):
        text = self.characters(text)
        if max(map(len, normal(text).split())) <= WHOLE_WORD:
            return normal(text) in self.text or self.has_parts(compact(text))
        return compact(text) in self.compact or self.has_parts(compact(text))

    def has_parts(self, text):
        """Whether the text begins on one page and ends on the next."""
        for page, following in zip(self.pages, self.pages[1:]):
            for cut in range(PART, len(text) - PART + 1):
                if text[:cut] in page and text[cut:] in following:
                    return True
        return False


def judge_text(reader, found, record, number, labels=True):
    for pointer, label, text in fields(record):
        wanted = f"{label} {text}" if label and labels else text
        if not found.has(wanted):
            yield f"{reader} doesn't find {pointer}: {wanted[:200]!r}"
        # A reader that finds what isn't there would find everything.
        if found.has(f"{text}\N{DAGGER}") or found.has(f"{text[:-1]}\N{DAGGER}"):
            yield f"{reader} finds what isn't there"
    total = len(found.whole_pages)
    for at, page in enumerate(found.whole_pages, 1):
        if f"Page {at} of {total}" not in page:
            yield f"{reader} doesn't find 'Page {at} of {total}'"
        if number not in page:
            yield f"{reader} doesn't find the number on page {at}"


# The readers from PyPI


def judge_pikepdf(path):
    """qpdf: syntax, page sizes, fonts."""
    with pikepdf.open(path) as pdf:
        for problem in [*pdf.check_pdf_syntax(), *pdf.get_warnings()]:
            yield f"qpdf (pikepdf): {problem}"
        for at, page in enumerate(pdf.pages, 1):
            box = [float(edge) for edge in page.mediabox]
            if box != [0, 0, *LETTER]:
                yield f"page {at} measures {box}"
            fonts = page.Resources.Font
            if not fonts:
                yield f"page {at} has no fonts"
            for font in fonts.values():
                below = font.DescendantFonts[0]
                name = str(below.BaseFont)
                if "/FontFile2" not in below.FontDescriptor and "/FontFile3" not in below.FontDescriptor:
                    yield f"the font {name} isn't embedded"
                elif not re.match(r"/[A-Z]{6}\+", name):
                    yield f"the font {name} isn't a subset"
                if "/ToUnicode" not in font:
                    yield f"the font {name} says nothing of its characters"


def judge_pdfium(path, record, number):
    """PDFium: text, sizes, places of letters, barcode, empty boxes."""
    document = pypdfium2.PdfDocument(path)
    missing = {c for _, _, text in fields(record) for c in lacking(text)}
    texts, boxes = [], set()
    for at, page in enumerate(document, 1):
        if page.get_size() != LETTER:
            yield f"PDFium: page {at} measures {page.get_size()}"
        image = page.render(scale=DPI / 72, grayscale=True).to_pil()
        reading = page.get_textpage()
        texts.append(reading.get_text_range())
        for index in range(reading.count_chars()):
            c = chr(pdfium.FPDFText_GetUnicode(reading, index))
            left, bottom, right, top = place = reading.get_charbox(index)
            if not (MARGIN <= left <= right <= LETTER[0] - MARGIN and MARGIN <= bottom <= top <= LETTER[1] - MARGIN):
                yield f"PDFium: {c!r} on page {at} is outside the margins: {place}"
            if c in missing or c == BOX:
                boxes.add(c)
                if not is_empty_box(page, place):
                    yield f"PDFium: {c!r} on page {at} isn't printed as {BOX}"
            elif c in "DIo" and boxes and is_empty_box(page, place):
                yield f"PDFium: {c!r} passes for {BOX}"
        barcodes = [(str(code.format), code.text) for code in zxingcpp.read_barcodes(image)]
        if [text for _, text in barcodes] != ([number] if at == 1 else []) or any("128" not in kind for kind, _ in barcodes):
            yield f"ZXing reads {barcodes} on page {at}"
    # It drops the characters beyond 16 bits of replaced texts.
    short = lambda text: "".join(c for c in text if ord(c) < 0x10000)  # noqa: E731
    if boxes & missing != set(short(missing)):
        yield f"PDFium: no place for {set(short(missing)) - boxes}"
    yield from judge_text("PDFium", Found(texts, number, short), record, number)


def is_empty_box(page, place):
    """Whether the place has ink on all four edges and none within."""
    left, bottom, right, top = place
    width, height = page.get_size()
    # 0.1 points around, where no neighbour begins: an edge's outer half is enough.
    crop = (left - 0.1, bottom - 0.1, width - right - 0.1, height - top - 0.1)
    image = page.render(scale=40, crop=crop, grayscale=True).to_pil()
    ink = image.point(lambda grey: 255 if grey < 128 else 0)
    width, height = ink.size
    middle, centre, depth = width // 2, height // 2, 16
    edges = (
        (0, centre, depth, centre + 1),
        (width - depth, centre, width, centre + 1),
        (middle, 0, middle + 1, depth),
        (middle, height - depth, middle + 1, height),
    )
    corners = ((0, 0), (width - depth, 0), (0, height - depth), (width - depth, height - depth))
    framed = [*edges, *((x, y, x + depth, y + depth) for x, y in corners)]
    within = (width // 4, height // 4, width - width // 4, height - height // 4)
    # A stroke such as that of an I is no box.
    wide = min(ink.size) > 160
    return wide and all(ink.crop(part).getbbox() for part in framed) and not ink.crop(within).getbbox()


def judge_pypdf(path, record, number):
    """pypdf: text, by the fonts' tables alone. It reads no replaced texts (ISO 32000-1, 14.9.4), so that where there are
    any, it sees which characters are printed by the same glyph: those that the font lacks."""
    reader = pypdf.PdfReader(path, strict=True)
    texts = [page.extract_text() for page in reader.pages]
    if not any(b"/ActualText" in page.get_contents().get_data() for page in reader.pages):
        yield from judge_text("pypdf", Found(texts, number), record, number)
        return
    text = bare("".join(texts))
    for pointer, _, wanted in fields(record):
        if lacking(wanted):
            parts = re.split("(.)", bare(wanted))
            pattern = "".join("\0" if part and (is_lacking(part) or part == BOX) else re.escape(part) for part in parts)
            pattern = pattern.replace("\0", "(?P<box>.)", 1).replace("\0", "(?P=box)")
            if not re.search(pattern, text):
                yield f"pypdf doesn't find {pointer} with one glyph for each character that the font lacks"


def bare(text):
    """Without blanks and accents."""
    return "".join(c for c in unicodedata.normalize("NFKD", compact(text)) if not unicodedata.combining(c))


# The programs


def judge_programs(path, record, number, installed):
    problems = []

    def call(*command):
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
        said = done.stderr.strip()
        if done.returncode or said or "WARNING" in done.stdout:
            problems.append(f"{command[0]} exits with {done.returncode}: {said or done.stdout.strip()}")
        return done.stdout

    if "qpdf" in installed:
        call("qpdf", "--check", path)
    if "pdfinfo" in installed:
        info = call("pdfinfo", path)
        if not re.search(r"^Page size: +612 x 792 pts \(letter\)$", info, re.MULTILINE):
            problems.append("pdfinfo sees another size")
    if "pdffonts" in installed:
        fonts = call("pdffonts", path).splitlines()[2:]
        if not fonts or any(font.split()[-5:-2] != ["yes", "yes", "yes"] for font in fonts):
            problems.append(f"pdffonts: {fonts}")
    if "pdftotext" in installed:
        raw = call("pdftotext", "-raw", path, "-").split("\f")[:-1]
        problems += judge_text("pdftotext -raw", Found(raw, number), record, number)
        # As it is called without a thought: in reading order, where labels stand beside labels.
        plain = call("pdftotext", path, "-").split("\f")[:-1]
        problems += judge_text("pdftotext", Found(plain, number), record, number, labels=False)
    if "pdftoppm" in installed:
        pages = path.with_suffix("")
        call("pdftoppm", "-r", DPI, "-gray", path, pages)
        images = sorted(path.parent.glob(f"{pages.name}-*.pgm"))
        if not images:
            problems.append("pdftoppm draws no pages")
        elif "zbarimg" in installed:
            read = call("zbarimg", "--quiet", "--nodbus", images[0])
            if read.splitlines() != [f"CODE-128:{number}"]:
                problems.append(f"zbarimg reads {read!r}")
        for image in images:
            image.unlink()
    return problems


# All together


def judge_warnings(warnings, record):
    wanted = {}
    for pointer, _, text in fields(record):
        if lacking(text):
            wanted[pointer] = [f"U+{ord(c):04X} ({c})" for c in lacking(text)]
    said = {warning["pointer"]: warning["detail"] for warning in warnings}
    if said.keys() != wanted.keys() or len(said) != len(warnings):
        yield f"there are warnings of {[warning['pointer'] for warning in warnings]} instead of {list(wanted)}"
    for pointer, detail in said.items():
        if not detail.endswith(f"printed as {BOX}: " + ", ".join(wanted.get(pointer, []))):
            yield f"the warning of {pointer} says {detail!r}"


def draw(program, records, number, folder):
    command = [program] if program else ["cargo", "run", "--quiet", "--locked", "--example", "draw_bol", "--"]
    done = subprocess.run(
        [*command, str(records), number, str(folder)], stdout=subprocess.PIPE, text=True, check=True, cwd=REPOSITORY
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def judge(path, again, record, number, warnings, installed):
    if path.read_bytes() != again.read_bytes():
        yield "two runs give different bytes"
    yield from judge_warnings(warnings, record)
    yield from judge_pikepdf(path)
    yield from judge_pdfium(path, record, number)
    yield from judge_pypdf(path, record, number)
    yield from judge_programs(path, record, number, installed)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("records", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--number", action="append", help="default: one as they are, and one as long as may be")
    parser.add_argument("--program", help="draw_bol, where it needn't be built")
    options = parser.parse_args()
    records, out = options.records.resolve(), options.out.resolve()
    installed = [name for name in PROGRAMS if shutil.which(name)]
    documents = pages = count = failed = boxed = 0
    for number in options.number or ["PRT-2025-0001", "CASEFILE-2025-9999"]:
        folders = [out / number / run for run in ("first", "second")]
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
        warnings, same = (draw(options.program, records, number, folder) for folder in folders)
        if warnings != same:
            print(f"FAIL {number}: two runs give different warnings")
            failed += 1
        for source in sorted(records.glob("*.json")):
            record = json.loads(source.read_text("utf-8"), parse_float=Decimal)
            first, second = (folder / f"{source.stem}.pdf" for folder in folders)
            own = [warning for warning in warnings if Path(warning["record"]) == source]
            problems = []
            try:
                problems.extend(judge(first, second, record, number, own, installed))
                pages += len(pypdf.PdfReader(first).pages)
            except Exception as error:  # noqa: BLE001 - a judge that stumbles must not pass the document
                problems.append(f"cannot be judged: {error!r}")
            for problem in problems:
                print(f"FAIL {source.name} as {number}: {problem}")
            documents += 1
            failed += bool(problems)
            count += len(list(fields(record)))
            boxed += sum(len(lacking(text)) for _, _, text in fields(record))
    absent = [name for name in PROGRAMS if name not in installed]
    print(
        f"{documents} bills of lading on {pages} pages: {count} fields, {boxed} characters that the font lacks, {failed} "
        f"failed; read by qpdf (pikepdf), PDFium, pypdf, ZXing and by {', '.join(installed) or 'no installed program'}; "
        f"left out, for they aren't installed: {', '.join(absent) or 'none'}"
    )
    if not documents or not boxed:
        print("FAIL at least one record must have characters that the font lacks")
        return 1
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
