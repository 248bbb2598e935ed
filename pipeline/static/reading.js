// Corrections on the pages of the archive: a click on a topic adds it or takes it away, and what is then seen is saved.
"use strict";

{
  const root = document.documentElement.dataset.root;
  const status = document.getElementById("status");
  const every = (selector, within) => [...within.querySelectorAll(selector)];

  document.documentElement.classList.add("js");

  function press(chip, yes) {
    chip.classList.toggle("assigned", yes);
    chip.setAttribute("aria-pressed", yes);
    const paragraph = chip.closest(".paragraph");
    const first = paragraph.querySelector("button.chip.assigned");
    paragraph.className = paragraph.className.replace(/ ?\btinted\b| ?\bt\d+\b/g, "") + (first ? ` tinted t${first.dataset.index}` : "");
  }

  // The name that the browser remembers, as the service reads it.
  function annotator() {
    const kept = document.cookie.split("; ").find((one) => one.startsWith("annotator="));
    return kept ? decodeURIComponent(kept.slice("annotator=".length)).trim() : "";
  }

  async function send(path, content) {
    const body = JSON.stringify(content);
    const answer = await fetch(`${root}${path}`, { method: "POST", body, headers: { "content-type": "application/json" } });
    if (!answer.ok) throw new Error((await answer.json()).detail);
    return answer;
  }

  // The page is then what counts: an earlier correction, or the model's topics.
  async function undo(form) {
    try {
      await send("/v1/corrections/undo", { id: Number(form.elements.id.value) });
      location.reload();
    } catch (error) {
      status.textContent = `Not taken back: ${error.message}`;
    }
  }

  async function correct(chip) {
    const paragraph = chip.closest(".paragraph"), state = paragraph.querySelector(".state");
    const before = chip.getAttribute("aria-pressed") === "true";
    press(chip, !before);
    const topics = every("button.chip.assigned", paragraph).map((other) => other.dataset.topic);
    const number = Number(paragraph.dataset.paragraph);
    state.hidden = false;
    try {
      const saved = await send("/v1/corrections", {
        text: paragraph.querySelector(".text").textContent,
        topics,
        article: paragraph.closest("[data-article]").dataset.article,
        paragraph: number,
        annotator: annotator(),
      });
      const { id, annotator: person } = await saved.json();
      paragraph.querySelector(".undo [name=id]").value = id;
      paragraph.querySelector(".undo").hidden = false;
      state.textContent = `corrected by ${person}`;
      status.textContent = `Saved for paragraph ${number + 1}: ${topics.join(", ") || "no topic"}.`;
      document.dispatchEvent(new Event("corrected"));
    } catch (error) {
      press(chip, before);
      state.textContent = "not saved";
      status.textContent = `Not saved: ${error.message}`;
    }
  }

  document.addEventListener("click", (event) => {
    const chip = event.target.closest("button.chip");
    if (chip) correct(chip);
  });

  document.addEventListener("submit", (event) => {
    if (!event.target.matches("form.undo")) return;
    event.preventDefault();
    undo(event.target);
  });
}
