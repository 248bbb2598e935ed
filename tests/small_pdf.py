"""Write small PDFs by hand, for the tests of their reader."""

HELVETICA = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"
IMAGE = b"/I Do"  # draws the one image, as a scan does


def shown(lines: list[str], *, left: float = 60, top: float = 740, size: float = 11, pitch: float = 14) -> bytes:
    """Show lines one below the other; an empty one is a distance of six points."""
    moves = " ".join(f"({line}) Tj 0 {-pitch} Td" if line else "0 -6 Td" for line in lines)
    return f"BT /F {size} Tf {left} {top} Td {moves} ET".encode("cp1252")


def pdf(
    *pages: bytes,
    title: str = "Mines cleared",
    date: str = "D:20250304100000Z",
    font: bytes = HELVETICA,
    page: str = "",
) -> bytes:
    """Write a PDF whose pages have these contents."""
    kids = " ".join(f"{6 + 2 * number} 0 R" for number in range(len(pages)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode(),
        font,
        f"<< /Title ({title}) /CreationDate ({date}) >>".encode("cp1252"),
        b"<< /Type /XObject /Subtype /Image /Width 1 /Height 1 /ColorSpace /DeviceGray /BitsPerComponent 8"
        b" /Length 1 >>\nstream\n0\nendstream",
    ]
    for number, content in enumerate(pages):
        resources = "<< /Font << /F 3 0 R >> /XObject << /I 5 0 R >> >>"
        objects += [
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {7 + 2 * number} 0 R"
            f" /Resources {resources} {page} >>".encode(),
            b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
        ]
    return _file(objects)


def _file(objects: list[bytes]) -> bytes:
    out, offsets = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    size = len(objects) + 1
    end = b"trailer << /Size %d /Root 1 0 R /Info 4 0 R >>\nstartxref\n%d\n%%%%EOF" % (size, len(out))
    return out + b"xref\n0 %d\n0000000000 65535 f \n" % size + table + end
