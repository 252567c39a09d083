/** Messages out of a stream of octets. None of the answers in these loads has a body. */

/** Calls `onText` with each whole message that the socket brings. */
export function framed(socket, onText) {
  let rest = "";
  socket.setEncoding("latin1");
  socket.on("data", (chunk) => {
    rest += chunk;
    for (let end = rest.indexOf("\r\n\r\n"); end >= 0; end = rest.indexOf("\r\n\r\n")) {
      const text = rest.slice(0, end + 4);
      rest = rest.slice(end + 4);
      onText(text);
    }
  });
}
