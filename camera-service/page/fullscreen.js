// The whole screen for the pictures. Where a browser gives it to videos alone (iPhones), the whole page.

/** Takes it, or gives it back. */
export async function toggle(target) {
  if (document.fullscreenElement) return document.exitFullscreen();
  if (target.classList.toggle("whole-page", !target.requestFullscreen && !target.classList.contains("whole-page"))) return;
  await target.requestFullscreen?.({ navigationUI: "hide" });
}

addEventListener("keydown", ({ key }) => {
  if (key === "Escape") document.querySelector(".whole-page")?.classList.remove("whole-page");
});
