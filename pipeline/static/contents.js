// The contents of the report: MLflow shows it in a frame that opens no link, not even one within the page.
"use strict";

document.addEventListener("click", (event) => {
  const link = event.target.closest('a[href^="#"]');
  const section = link && document.getElementById(link.hash.slice(1));
  if (!section) return;
  event.preventDefault();
  section.scrollIntoView();
  section.focus({ preventScroll: true });
});
