// What an engine of the core suite offers, and what the three have in common. Each is a module beside this one:
//
//   engine.name                                      // "chromium", "firefox", "webkit"
//   const browser = await engine.launch({ autoplay: false })   // with the rules that a user's browser has for sound
//   const page = await browser.open(url, { viewport })         // apart from other pages: no cookie, no gesture of theirs
//   await page.goto(url)
//   await page.evaluate(function, argument)          // the value, JSON, or of the promise; counts as a gesture of the user
//   await page.click(".unmute")                      // a mouse on the middle of that part of the page's first player
//   await page.screenshot("wall-1280x800")           // target/screenshots/NAME.png
//   await page.close(); await browser.close()

/** Where the middle of a part of the first player is, in CSS pixels of the window. */
export async function middleOf(page, part) {
  const found = await page.evaluate((part) => {
    const box = document.querySelector("nearlive-player").shadowRoot.querySelector(part).getBoundingClientRect();
    return box.width > 0 && [box.x + box.width / 2, box.y + box.height / 2].map(Math.round);
  }, part);
  if (!found) throw new Error(`${part} cannot be seen, so it cannot be clicked`);
  return found;
}
