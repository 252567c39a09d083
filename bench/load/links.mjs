/** Connections of the load to the server, all transports alike: `send(link, text)`, and `onText(link, text, reply)` for what comes. */
import { once } from "node:events";
import { connect } from "node:net";
import WebSocket from "ws";
import { udp } from "../../dist/transport/udp.js";
import { framed } from "./stream.mjs";

/**
 * @param job transport, port, links (how many), socketBytes
 * @param onText called with the number of the link, a whole message, and a way to answer where it came from
 * @returns the links: `vias[i]` and `hosts[i]` to write into messages, `send`; they end with the process
 */
export function openLinks(job, onText) {
  const open = { udp: openUdp, tcp: openTcp, ws: openWs }[job.transport];
  return open(job, onText);
}

async function openUdp({ port, links }, onText) {
  const legs = [];
  const flows = [];
  for (let i = 0; i < links; i++) {
    const leg = udp({ host: "127.0.0.1", port: 0, recvBufferBytes: 4 << 20, maxQueueOctets: 4 << 20 });
    const reply = (text, from) => leg.send(text, from);
    await leg.start({
      message: (text, from) => onText(i, text, (answer) => reply(answer, from)),
      malformed() {},
      flowClosed() {},
    });
    legs.push(leg);
    flows.push(await leg.connect({ address: "127.0.0.1", port }));
  }
  const hosts = legs.map((leg) => `127.0.0.1:${leg.local.port}`);
  return {
    hosts,
    vias: hosts.map((host) => `UDP ${host}`),
    send: (i, text, direct) => legs[i].send(text, direct === undefined ? flows[i] : flowTo(legs[i], direct)),
  };
}

function flowTo(leg, hostPort) {
  const [address, port] = hostPort.split(":");
  return leg.connect({ address, port: Number(port) });
}

async function openTcp({ port, links }, onText) {
  const sockets = [];
  for (let i = 0; i < links; i++) {
    const socket = connect({ host: "127.0.0.1", port, noDelay: true });
    await once(socket, "connect");
    framed(socket, (text) => onText(i, text, (answer) => socket.write(answer, "latin1")));
    sockets.push(socket);
  }
  const hosts = sockets.map((socket) => `127.0.0.1:${socket.localPort}`);
  return {
    hosts,
    vias: hosts.map((host) => `TCP ${host}`),
    send: (i, text) => sockets[i].write(text, "latin1"),
  };
}

async function openWs({ port, links }, onText) {
  const sockets = [];
  for (let i = 0; i < links; i++) {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/`, "sip", { perMessageDeflate: false });
    await once(socket, "open");
    socket.on("message", (data) => onText(i, data.toString("latin1"), (answer) => socket.send(answer)));
    sockets.push(socket);
  }
  const hosts = sockets.map((_, i) => `l${i}.invalid`);
  return {
    hosts,
    vias: hosts.map((host) => `WS ${host}`),
    send: (i, text) => sockets[i].send(text),
  };
}
