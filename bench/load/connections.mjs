/**
 * Phones that hold a connection each, in a process that lives until it is killed. Told `open` it connects and registers them,
 * told `refresh` all of them send a REGISTER in the same turn. `first` and `count` say which phones are its own, `addresses`
 * how many loopback addresses they come from: one has some 28,000 ports.
 */
import { once } from "node:events";
import { connect } from "node:net";
import { connect as connectSecured } from "node:tls";
import WebSocket from "ws";
import { register, statusOf, user } from "./messages.mjs";
import { framed } from "./stream.mjs";

/** Connections that are being made at a time. */
const AT_ONCE = 64;
/** A refresh that is not answered for so long is lost. */
const PATIENCE_MS = 30_000;

const phones = [];

const OPENERS = {
  tcp: (job, localAddress) =>
    stream(connect({ host: "127.0.0.1", port: job.port, localAddress, noDelay: true }), "connect"),
  tls: (job, localAddress) =>
    stream(
      connectSecured({ host: "127.0.0.1", port: job.port, localAddress, rejectUnauthorized: false }),
      "secureConnect",
    ),
  ws: openWebSocket,
};

async function stream(socket, readyEvent) {
  await once(socket, readyEvent);
  const phone = {
    host: `${socket.localAddress}:${socket.localPort}`,
    onText: undefined,
    onClosed: undefined,
  };
  phone.send = (text) => socket.write(text, "latin1");
  framed(socket, (text) => phone.onText?.(text));
  whenClosed(socket, phone);
  return phone;
}

async function openWebSocket(job, localAddress, n) {
  const socket = new WebSocket(`ws://127.0.0.1:${job.port}/`, "sip", {
    perMessageDeflate: false,
    localAddress,
  });
  await once(socket, "open");
  const phone = { host: `p${n}.invalid`, onText: undefined, onClosed: undefined };
  phone.send = (text) => socket.send(text);
  socket.on("message", (data) => phone.onText?.(data.toString("latin1")));
  whenClosed(socket, phone);
  return phone;
}

function whenClosed(socket, phone) {
  socket.on("error", () => {});
  socket.once("close", () => {
    phone.isClosed = true;
    phone.onClosed?.();
  });
}

/** Sends a REGISTER of the phone, and resolves to the status of its answer: 0 when the connection closed instead. */
function registered(phone) {
  return new Promise((resolve) => {
    const settle = (status) => {
      phone.onText = undefined;
      phone.onClosed = undefined;
      resolve(status);
    };
    phone.onText = (text) => {
      if (statusOf(text) >= 200) settle(statusOf(text));
    };
    phone.onClosed = () => settle(0);
    if (phone.isClosed) return settle(0);
    phone.turn++;
    phone.send(
      register({
        via: `${phone.transport.toUpperCase()} ${phone.host}`,
        slot: phone.n,
        turn: phone.turn,
        name: user(phone.n),
        cseq: phone.turn,
        contact: `sip:${user(phone.n)}@${phone.host};transport=${phone.transport}`,
      }),
    );
  });
}

async function open(job) {
  let next = job.first;
  const openNext = async () => {
    while (next < job.first + job.count) {
      const n = next++;
      const phone = await OPENERS[job.transport](job, `127.0.0.${2 + (n % job.addresses)}`, n);
      phones.push(Object.assign(phone, { n, turn: 0, transport: job.transport, isClosed: false }));
      const status = await registered(phone);
      if (status !== 200) throw new Error(`phone ${n} was answered ${status}`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, openNext));
  return { opened: phones.length };
}

/** Milliseconds by a clock that all processes of the machine share. */
const nowMs = () => performance.timeOrigin + performance.now();

async function refresh() {
  const statuses = {};
  const latencies = [];
  const startedAtMs = nowMs();
  let endedAtMs = startedAtMs;
  const answered = phones.map((phone) => {
    const sentAtMs = nowMs();
    return registered(phone).then((status) => {
      endedAtMs = nowMs();
      statuses[status] = (statuses[status] ?? 0) + 1;
      latencies.push(endedAtMs - sentAtMs);
    });
  });
  const patience = new Promise((resolve) => setTimeout(resolve, PATIENCE_MS));
  await Promise.race([Promise.all(answered), patience]);
  const lost = phones.length - latencies.length;
  if (lost > 0) statuses.none = lost;
  return { startedAtMs, endedAtMs, statuses, latencies };
}

process.on("message", async ({ verb, job }) => {
  try {
    process.send({ result: await (verb === "open" ? open(job) : refresh()) });
  } catch (error) {
    process.send({ error: String(error?.message ?? error) });
  }
});
