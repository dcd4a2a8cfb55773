// How this page comes by its token: from a one-use secret in the URL's fragment, which never reaches a
// server's log; from this tab's memory; or from the user.

import { problem } from "./fallback.js";

const KEY = "camera-service.token";

/** The token that this tab has, or `null`. */
export const remembered = () => sessionStorage.getItem(KEY);

/** Keeps a token for as long as this tab is open. */
export const remember = (token) => sessionStorage.setItem(KEY, token);

/** Forgets it. */
export const forget = () => sessionStorage.removeItem(KEY);

/** The secret of the URL's fragment, which is taken out of the address and its history. */
export function takeSecret() {
  const secret = new URLSearchParams(location.hash.slice(1)).get("secret");
  if (secret) history.replaceState(null, "", location.pathname + location.search);
  return secret;
}

/** Whether anybody may watch without a token. */
export async function needsNone() {
  try {
    const response = await fetch("api/session", { headers: { Accept: "application/json" }, cache: "no-store" });
    return response.ok && !(await response.json()).token_needed;
  } catch {
    return false;
  }
}

/** Exchanges a secret for a token. Fails with a message for the user. */
export async function redeem(secret) {
  const response = await fetch("api/session", {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "application/json" },
    body: JSON.stringify({ secret }),
    cache: "no-store",
  });
  if (!response.ok) throw new Error((await problem(response)).message);
  const { token } = await response.json();
  return token;
}
