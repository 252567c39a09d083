// What both pages have in common: a record of what happened, and sockets that can be cut.
const sockets = [];
const Plain = window.WebSocket;
window.WebSocket = class extends Plain {
  constructor(...args) {
    super(...args);
    sockets.push(this);
  }
};

window.phone = {
  /** Names of what happened, in order. */
  story: [],
  /** Bodies of the MESSAGEs that came. */
  messages: [],
  isRegistered: false,
  /** Notes what happened. */
  note(what) {
    this.story.push(what);
    if (what === "registered") this.isRegistered = true;
    if (what === "unregistered" || what === "disconnected") this.isRegistered = false;
  },
  /** Closes the connection under the library, as a network would. */
  cut() {
    sockets.at(-1).close();
  },
};
