// A link between the browser and the bridge that may pass on nothing, or be cut.

import { once } from "node:events";
import { connect, createServer } from "node:net";
import { URL_OF_PAGE } from "./harness.js";

/** Begins one. */
export async function link() {
  const { hostname, port, protocol } = new URL(URL_OF_PAGE);
  const ends = new Set();
  const server = createServer((viewer) => {
    const bridge = connect(Number(port), hostname);
    let swallowed = false;
    let begun = false;
    for (const [end, other] of [[viewer, bridge], [bridge, viewer]]) {
      ends.add(end);
      end.on("error", () => {});
      end.on("close", () => (ends.delete(end), other.destroy()));
    }
    viewer.on("data", (data) => {
      if (it.shut) return viewer.destroy();
      if (!begun && data.toString("latin1").startsWith("GET /ws ")) {
        it.sockets.push(Date.now());
        swallowed = it.silent > 0;
        it.silent -= swallowed ? 1 : 0;
      }
      begun = true;
      if (!swallowed) bridge.write(data);
    });
    bridge.on("data", (data) => it.deaf || viewer.write(data));
  });
  const it = {
    /** The page's address by this link. */
    url: "",
    /** When WebSockets were asked for, in unix ms. */
    sockets: [],
    /** So many WebSockets from now on are never answered. */
    silent: 0,
    /** The bridge is asked, and its answers are lost. */
    deaf: false,
    /** Whoever asks is cut off. */
    shut: false,
    /** Ends all connections; what comes is passed on. */
    cut() {
      it.deaf = it.shut = false;
      for (const end of ends) end.destroy();
    },
    /** Ends it. */
    close() {
      server.close();
      it.cut();
    },
  };
  server.listen(0, "127.0.0.1");
  // A spec that fails does not end it.
  server.unref();
  await once(server, "listening");
  it.url = `${protocol}//127.0.0.1:${server.address().port}/`;
  return it;
}
