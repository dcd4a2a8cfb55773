// What the service has said: cameras, clients, whether all cameras are off. Kept by its events alone.
//
// Told: `cameras`, `clients`, and each event under its own name.

import { Emitter } from "./emitter.js";

export class Model extends Emitter {
  /** Cameras by id, in the service's order. */
  cameras = new Map();
  /** Clients by number. */
  clients = new Map();
  /** Whether all cameras are turned off. */
  off = false;
  /** Whether a first state has come. */
  known = false;
  /** What the token is for: `{name, scopes, cameras, expires}`. */
  granted = { name: "", scopes: [], cameras: [], expires: null };

  /** Whether the token has this scope. */
  may(scope) {
    return this.granted.scopes.includes(scope);
  }

  /** A camera by its id. */
  camera(id) {
    return this.cameras.get(id);
  }

  /** Takes an event of the service. */
  apply(event) {
    const { event: name, camera, client, summary } = event;
    switch (name) {
      case "state":
        this.cameras = new Map(event.cameras.map((each) => [each.id, each]));
        this.clients = new Map(event.clients.map((each) => [each.id, each]));
        this.off = event.privacy_off;
        this.known = true;
        break;
      case "camera_added":
      case "camera_changed":
        this.cameras.set(camera, summary);
        break;
      case "camera_removed":
        this.cameras.delete(camera);
        break;
      case "client_changed":
        this.clients.set(client, summary);
        break;
      case "client_removed":
        this.clients.delete(client);
        break;
      case "privacy_changed":
        this.off = event.off;
        break;
    }
    if (name === "state" || name.startsWith("camera_") || name === "privacy_changed") this.tell("cameras");
    if (name === "state" || name.startsWith("client_")) this.tell("clients");
    this.tell(name, event);
  }
}
