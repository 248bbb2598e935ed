// Word and Excel files made in the browser: the least of Office Open XML (ECMA-376) in a ZIP archive without
// compression, so that a page that is a file of its own needs no network for them.
"use strict";

globalThis.office = (() => {
  const HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n';
  const FORMATS = "http://schemas.openxmlformats.org";
  const OFFICE = `${FORMATS}/officeDocument/2006/relationships`;
  const encoder = new TextEncoder();
  const CRC = Uint32Array.from({ length: 256 }, (_, byte) => {
    for (let bit = 0; bit < 8; bit++) byte = byte & 1 ? (byte >>> 1) ^ 0xedb88320 : byte >>> 1;
    return byte;
  });

  function crc32(bytes) {
    let sum = -1;
    for (const byte of bytes) sum = CRC[(sum ^ byte) & 0xff] ^ (sum >>> 8);
    return ~sum >>> 0;
  }

  // Little-endian fields, each as [bytes, value].
  function fields(...parts) {
    const made = new DataView(new ArrayBuffer(parts.reduce((sum, [size]) => sum + size, 0)));
    let at = 0;
    for (const [size, value] of parts) {
      if (size === 2) made.setUint16(at, value, true);
      else made.setUint32(at, value, true);
      at += size;
    }
    return new Uint8Array(made.buffer);
  }

  function zip(files) {
    const local = [], central = [];
    let at = 0;
    for (const [name, text] of Object.entries(files)) {
      const path = encoder.encode(name), bytes = encoder.encode(HEAD + text);
      // Version 2.0, names in UTF-8, stored, 1 January 1980, no extra field.
      const facts = [[2, 20], [2, 0x0800], [2, 0], [2, 0], [2, 0x21], [4, crc32(bytes)], [4, bytes.length], [4, bytes.length], [2, path.length], [2, 0]];
      const entry = [fields([4, 0x04034b50], ...facts), path, bytes];
      central.push(fields([4, 0x02014b50], [2, 20], ...facts, [2, 0], [2, 0], [2, 0], [4, 0], [4, at]), path);
      local.push(...entry);
      at += entry.reduce((sum, part) => sum + part.length, 0);
    }
    const size = central.reduce((sum, part) => sum + part.length, 0), count = central.length / 2;
    return [...local, ...central, fields([4, 0x06054b50], [2, 0], [2, 0], [2, count], [2, count], [4, size], [4, at], [2, 0])];
  }

  const ENTITIES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
  const xml = (text) => String(text).replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, "\ufffd").replace(/[&<>"]/g, (found) => ENTITIES[found]);

  function relations(list) {
    const made = list.map(([id, type, target, outside]) => `<Relationship Id="${id}" Type="${OFFICE}/${type}" Target="${xml(target)}"${outside ? ' TargetMode="External"' : ""}/>`);
    return `<Relationships xmlns="${FORMATS}/package/2006/relationships">${made.join("")}</Relationships>`;
  }

  function contentTypes(parts) {
    const made = Object.entries(parts).map(([name, type]) => `<Override PartName="${name}" ContentType="application/vnd.openxmlformats-officedocument.${type}+xml"/>`);
    return `<Types xmlns="${FORMATS}/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/>${made.join("")}</Types>`;
  }

  const text = (words, look = "") => `<w:r><w:rPr>${look}</w:rPr><w:t xml:space="preserve">${xml(words)}</w:t></w:r>`;

  // Each quotation is { text, source, address }; an address becomes a link.
  function docx(heading, quotations) {
    const links = [];
    const body = quotations.map(({ text: quoted, source, address }) => {
      let cited = text(source, '<w:i/><w:sz w:val="19"/>');
      if (address) {
        links.push([`link${links.length}`, "hyperlink", new URL(address).href, true]);
        cited += text(", ", "<w:i/>") + `<w:hyperlink r:id="link${links.length - 1}">${text(address, '<w:color w:val="0B57A4"/><w:sz w:val="19"/><w:u w:val="single"/>')}</w:hyperlink>`;
      }
      return `<w:p><w:pPr><w:keepNext/><w:spacing w:before="240" w:after="60"/><w:ind w:left="400"/></w:pPr>${text(`“${quoted}”`)}</w:p><w:p><w:pPr><w:ind w:left="400"/></w:pPr>${cited}</w:p>`;
    });
    const title = `<w:p>${text(heading, '<w:b/><w:sz w:val="32"/>')}</w:p>`;
    return zip({
      "[Content_Types].xml": contentTypes({ "/word/document.xml": "wordprocessingml.document.main" }),
      "_rels/.rels": relations([["document", "officeDocument", "word/document.xml"]]),
      "word/_rels/document.xml.rels": relations(links),
      "word/document.xml": `<w:document xmlns:w="${FORMATS}/wordprocessingml/2006/main" xmlns:r="${OFFICE}"><w:body>${title}${body.join("")}<w:sectPr/></w:body></w:document>`,
    });
  }

  // The first row is the header: it stays in sight, and filters stand on it. All cells are text, so none is a formula.
  function xlsx(rows, widths) {
    const cell = (value) => `<c t="inlineStr"><is><t xml:space="preserve">${xml(value)}</t></is></c>`;
    const columns = widths.map((width, place) => `<col min="${place + 1}" max="${place + 1}" width="${width}" customWidth="1"/>`);
    const last = `${String.fromCharCode(64 + widths.length)}${rows.length}`;
    return zip({
      "[Content_Types].xml": contentTypes({ "/xl/workbook.xml": "spreadsheetml.sheet.main", "/xl/worksheets/sheet1.xml": "spreadsheetml.worksheet" }),
      "_rels/.rels": relations([["workbook", "officeDocument", "xl/workbook.xml"]]),
      "xl/_rels/workbook.xml.rels": relations([["sheet", "worksheet", "worksheets/sheet1.xml"]]),
      "xl/workbook.xml": `<workbook xmlns="${FORMATS}/spreadsheetml/2006/main" xmlns:r="${OFFICE}"><sheets><sheet name="Quotations" sheetId="1" r:id="sheet"/></sheets></workbook>`,
      "xl/worksheets/sheet1.xml": `<worksheet xmlns="${FORMATS}/spreadsheetml/2006/main"><sheetViews><sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews><cols>${columns.join("")}</cols><sheetData>${rows.map((row) => `<row>${row.map(cell).join("")}</row>`).join("")}</sheetData><autoFilter ref="A1:${last}"/></worksheet>`,
    });
  }

  return { docx, xlsx };
})();
