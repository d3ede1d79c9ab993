// Replaces <main> by a newer one every two seconds, as long as somebody looks.
"use strict";

const period = 2000;

async function update() {
  if (document.hidden) return;
  const lost = document.getElementById("lost");
  try {
    const response = await fetch("/", { signal: AbortSignal.timeout(10000) });
    if (!response.ok) throw new Error(response.statusText);
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const selection = document.getSelection();
    // What somebody is about to copy stays until it is copied.
    if (selection && !selection.isCollapsed) return;
    const scrolled = Array.from(document.querySelectorAll(".scroll"), (element) => element.scrollLeft);
    document.querySelector("main").replaceWith(page.querySelector("main"));
    document.querySelectorAll(".scroll").forEach((element, index) => {
      element.scrollLeft = scrolled[index] ?? 0;
    });
    lost.hidden = true;
  } catch {
    lost.hidden = false;
  }
}

async function run() {
  await update();
  setTimeout(run, period);
}

setTimeout(run, period);
document.addEventListener("visibilitychange", update);
