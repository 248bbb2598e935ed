// Puts the bookmarklet's own code into the link that is dragged to the bookmarks, with the address of this service.
"use strict";

{
  // Runs in the page that is read. It opens a window of the service, waits until that says that it is there, and
  // hands over what is selected, or the page without its scripts and styles: nothing is fetched, so no policy of the
  // page stands against it.
  const bookmarklet = (address) => {
    const service = new URL(address).origin;
    const opened = open(address, "_blank");
    if (!opened) return alert("The window of the topics service was blocked: allow pop-ups for this page.");
    const whole = document.documentElement.cloneNode(true);
    const kept = 'script[type="application/ld+json"]';
    for (const part of whole.querySelectorAll("script, style, svg, noscript, iframe, template")) {
      if (!part.matches(kept)) part.remove();
    }
    const sent = { selected: String(getSelection()), page: whole.outerHTML, title: document.title };
    addEventListener("message", function hand(event) {
      if (event.source !== opened || event.origin !== service || event.data !== "topics: ready") return;
      removeEventListener("message", hand);
      opened.postMessage(sent, service);
    });
  };
  const link = document.getElementById("bookmarklet");
  const address = `${location.origin}${document.documentElement.dataset.root}/bookmarklet/receive`;
  link.href = `javascript:${encodeURIComponent(`(${bookmarklet})(${JSON.stringify(address)})`)}`;
  link.addEventListener("click", (event) => event.preventDefault());
  document.documentElement.classList.add("js");
}
