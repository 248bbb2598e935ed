// The tray: quotations that are gathered on the pages, and leave as Word, Excel, text, or by the clipboard. They stay
// in this browser, from page to page.
"use strict";

{
  const KEPT = "quotations";
  const LONGEST = 32_000; // characters that a cell of Excel takes, less a little
  const tray = document.getElementById("tray");
  const status = document.getElementById("tray-status");
  const every = (selector, within = document) => [...within.querySelectorAll(selector)];
  let quotations = read();

  function read() {
    try {
      const found = JSON.parse(localStorage.getItem(KEPT) ?? "[]");
      return Array.isArray(found) ? found : [];
    } catch {
      return []; // this browser keeps nothing for such pages
    }
  }

  function keep(changed) {
    quotations = changed;
    try {
      localStorage.setItem(KEPT, JSON.stringify(quotations));
    } catch {
      // they are here until the page is left
    }
    show();
  }

  const keyOf = ({ text, title, paragraph }) => JSON.stringify([title, paragraph, text]);

  // What a paragraph says of itself and of its article.
  function quotationOf(paragraph) {
    const { title, outlet, day, address, file } = paragraph.closest("[data-title]").dataset;
    const topics = every(".chip.assigned .label", paragraph).map((label) => label.firstChild.textContent.trim());
    const text = paragraph.querySelector(".text").textContent.trim().replace(/\s+/g, " ");
    return { text, topics, title, outlet, day, address, file, paragraph: Number(paragraph.dataset.paragraph) + 1 };
  }

  const shortened = (text, most) => (text.length > most ? `${text.slice(0, most)}…` : text);
  const sourceOf = ({ outlet, title, day, paragraph }) => `${outlet}, “${title}”, ${day}, paragraph ${paragraph}`;
  const placeOf = ({ address, file }) => address || file;
  const asText = () => quotations.map((one) => `“${one.text}”\n— ${sourceOf(one)}, ${placeOf(one)}\n`).join("\n");

  function asHtml() {
    const made = document.createElement("div");
    for (const one of quotations) {
      const quoted = document.createElement("blockquote"), source = document.createElement("p"), place = document.createElement(one.address ? "a" : "span");
      quoted.textContent = `“${one.text}”`;
      source.textContent = `${sourceOf(one)}, `;
      place.textContent = placeOf(one);
      if (one.address) place.href = one.address;
      source.append(place);
      made.append(quoted, source);
    }
    return made.innerHTML;
  }

  function asRows() {
    const header = ["Quotation", "Topics", "Title", "Outlet", "Date", "Paragraph", "Address"];
    return [header, ...quotations.map((one) => [shortened(one.text, LONGEST), one.topics.join("; "), one.title, one.outlet, one.day, one.paragraph, placeOf(one)])];
  }

  const FORMATS = {
    docx: () => office.docx("Quotations", quotations.map((one) => ({ text: one.text, source: one.address ? sourceOf(one) : `${sourceOf(one)}, ${one.file}`, address: one.address }))),
    xlsx: () => office.xlsx(asRows(), [80, 24, 40, 20, 12, 10, 50]),
    txt: () => ["\ufeff", asText()],
  };

  function save(ending) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob(FORMATS[ending](), { type: "application/octet-stream" }));
    link.download = `quotations.${ending}`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  }

  // Formatted for Word and mail, plain for the rest.
  function copy() {
    const write = (event) => {
      event.clipboardData.setData("text/html", asHtml());
      event.clipboardData.setData("text/plain", asText());
      event.preventDefault();
    };
    document.addEventListener("copy", write, { once: true });
    const done = document.execCommand("copy"); // works in files, too, where navigator.clipboard may not
    document.removeEventListener("copy", write);
    status.textContent = done ? "Copied." : "This browser does not let the page copy; save a file instead.";
  }

  function toggle(paragraph) {
    const found = quotationOf(paragraph), key = keyOf(found);
    const others = quotations.filter((one) => keyOf(one) !== key);
    const added = others.length === quotations.length;
    keep(added ? [...quotations, found] : others);
    status.textContent = added ? `Paragraph ${found.paragraph} is in the tray.` : `Paragraph ${found.paragraph} is taken out of the tray.`;
  }

  function show() {
    const kept = new Set(quotations.map(keyOf));
    tray.hidden = !quotations.length;
    tray.querySelector("summary").textContent = `${quotations.length} quotation${quotations.length === 1 ? "" : "s"}`;
    tray.querySelector("ol").replaceChildren(...quotations.map(listed));
    for (const button of every("button.quote")) button.setAttribute("aria-pressed", kept.has(keyOf(quotationOf(button.closest(".paragraph")))));
  }

  function listed(one) {
    const item = document.createElement("li"), remove = document.createElement("button");
    item.textContent = `${shortened(one.text, 120)} (${sourceOf(one)}) `;
    remove.type = "button";
    remove.className = "plain";
    remove.textContent = "Remove";
    remove.setAttribute("aria-label", `Remove paragraph ${one.paragraph} of ${one.title}`);
    remove.addEventListener("click", () => keep(quotations.filter((other) => other !== one)));
    item.append(remove);
    return item;
  }

  document.addEventListener("click", (event) => {
    const quote = event.target.closest("button.quote"), form = event.target.closest("#tray [data-form]");
    if (quote) toggle(quote.closest(".paragraph"));
    else if (form?.dataset.form === "copy") copy();
    else if (form?.dataset.form === "clear") keep([]);
    else if (form) save(form.dataset.form);
  });

  document.addEventListener("keydown", (event) => {
    const paragraph = event.target.closest?.(".paragraph");
    if (event.key.toLowerCase() !== "q" || !paragraph?.querySelector("button.quote") || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    toggle(paragraph);
  });

  // What is quoted on the page has the topics that are shown.
  document.addEventListener("corrected", () => {
    if (!quotations.length) return;
    const shown = new Map(every("button.quote").map((button) => quotationOf(button.closest(".paragraph"))).map((one) => [keyOf(one), one]));
    keep(quotations.map((one) => shown.get(keyOf(one)) ?? one));
  });

  addEventListener("storage", (event) => {
    if (event.key !== KEPT) return;
    quotations = read();
    show();
  });

  show();
}
