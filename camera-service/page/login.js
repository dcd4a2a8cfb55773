// Coming in: with the secret of the page's address, the token that this tab has, or one that the user
// enters; and what is shown while there is none.

import { byId, say, show } from "./element.js";
import * as session from "./session.js";
import { sentence } from "./words.js";

export class Login {
  #enter;

  /** `enter(token)` is called with each token to be tried. */
  constructor(enter) {
    this.#enter = enter;
    byId("login-form").addEventListener("submit", (event) => {
      event.preventDefault();
      const token = byId("login-token").value.trim();
      if (!token) return;
      byId("login-token").value = "";
      session.remember(token);
      this.#enter(token);
    });
    byId("login-again").addEventListener("click", () => this.#enter(session.remembered()));
    byId("log-in").addEventListener("click", () => this.ask("", true));
    addEventListener("hashchange", () => this.begin());
  }

  /** Enters, or asks for a token. */
  async begin() {
    const secret = session.takeSecret();
    if (secret) {
      try {
        session.remember(await session.redeem(secret));
      } catch (error) {
        // A page that was loaded again has its token still.
        if (!session.remembered()) return this.ask(`This link does not work any more. ${sentence(error.message)}`);
      }
    }
    const token = session.remembered();
    if (token || (await session.needsNone())) this.#enter(token);
    else this.ask("");
  }

  /** Asks for a token, and says why. `keep` offers to try the present one once more. */
  ask(why, keep = false) {
    if (!keep) session.forget();
    document.body.dataset.screen = "login";
    say(byId("login-why"), why);
    show(byId("login-why"), why !== "");
    show(byId("login-again"), keep);
    byId("login-token").focus();
  }
}
