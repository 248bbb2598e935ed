// Takes one text from the page that opened this window, and sends it to the service as a form of this page would.
"use strict";

{
  const WAIT = 10_000;
  const form = document.getElementById("received");

  document.documentElement.classList.add("js");

  function take(event) {
    const { selected, page, title } = event.data ?? {};
    if (event.source !== opener || ![selected, page, title].every((part) => typeof part === "string")) return;
    removeEventListener("message", take);
    document.getElementById("waiting").textContent = `Reading a page of ${new URL(event.origin).host} …`;
    if (selected.trim()) {
      form.elements.article.value = selected;
    } else {
      const files = new DataTransfer();
      files.items.add(new File([page], "page.html", { type: "text/html" }));
      form.elements.file.files = files.files;
    }
    form.submit();
  }

  function missing() {
    document.getElementById("waiting").hidden = true;
    document.getElementById("missing").hidden = false;
  }

  addEventListener("message", take);
  if (opener) opener.postMessage("topics: ready", "*"); // whoever it is learns no more than that
  else missing();
  setTimeout(missing, WAIT);
}
