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

  async function correct(chip) {
    const paragraph = chip.closest(".paragraph"), state = paragraph.querySelector(".state");
    const before = chip.getAttribute("aria-pressed") === "true";
    press(chip, !before);
    const topics = every("button.chip.assigned", paragraph).map((other) => other.dataset.topic);
    const number = Number(paragraph.dataset.paragraph);
    const body = JSON.stringify({
      text: paragraph.querySelector(".text").textContent,
      topics,
      article: paragraph.closest("[data-article]").dataset.article,
      paragraph: number,
    });
    state.hidden = false;
    try {
      const answer = await fetch(`${root}/v1/corrections`, { method: "POST", body, headers: { "content-type": "application/json" } });
      if (!answer.ok) throw new Error((await answer.json()).detail);
      state.textContent = "saved";
      status.textContent = `Saved for paragraph ${number + 1}: ${topics.join(", ") || "no topic"}.`;
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
}
