/**
 * Soaks the addon: node soak.mjs ADDON ROUNDS SEED. Datagrams of every size with arbitrary octets are echoed over IPv4 and
 * IPv6, sockets come and go, workers end with theirs open, peers are not there, and every call is misused.
 * Ends with 0 when nothing broke and memory stayed bounded; a sanitizer or a crash ends it otherwise.
 */
import { createRequire } from "node:module";
import { setImmediate as nextTurn } from "node:timers/promises";
import { Worker } from "node:worker_threads";

const [path, rounds = "200", seed = "1"] = process.argv.slice(2);
const addon = createRequire(import.meta.url)(path);
let state = Number(seed) >>> 0;
const random = (below) => {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return Math.floor((state / 2 ** 32) * below);
};

const LOOPBACK = { "127.0.0.1": [0x7f000001, 0, 0, 0], "::1": [0, 0, 0, 1] };
const OUTGOING = 256;
const OCTETS = 1 << 20;
let heard = 0;
let unreachable = 0;

function open(host, { echo }) {
  const inbox = Buffer.allocUnsafeSlow(addon.batch * addon.slotOctets);
  const received = new Uint32Array(addon.batch * 8);
  received.set([0, 0, 0, 0, ...LOOPBACK[host]]);
  const outbox = Buffer.allocUnsafeSlow(OCTETS);
  const outgoing = new Uint32Array(OUTGOING * 8);
  const counters = new Float64Array(addon.counters);
  let pending = 0;
  let used = 0;
  const flush = () => {
    const done = socket.send(0, pending);
    outgoing.copyWithin(0, done * 8, pending * 8);
    pending -= done;
    if (pending === 0) used = 0;
  };
  const socket = addon.open({
    ipv6: host.includes(":"), reusePort: random(2) === 0,
    receiveBuffer: 1 << 20, sendBuffer: random(2) * 65_536,
    inbox, received, outbox, outgoing, counters,
    onBatch(count) {
      heard += count;
      for (let i = 0; echo && i < count && pending < OUTGOING; i++) {
        const [offset, length] = received.subarray(i * 8, i * 8 + 2);
        if (used + length > OCTETS) break;
        inbox.copy(outbox, used, offset, offset + length);
        outgoing.copyWithin(pending * 8, i * 8, i * 8 + 8);
        outgoing[pending * 8] = used;
        used += length;
        pending++;
      }
      if (echo && pending > 0) flush();
    },
    onUnreachable(count) {
      unreachable += count;
    },
    onWritable: () => flush(),
  });
  const send = (octets, port) => {
    if (pending >= OUTGOING || used + octets.length > OCTETS) return;
    octets.copy(outbox, used);
    outgoing.set([used, octets.length, port, 0, ...LOOPBACK[host]], pending * 8);
    used += octets.length;
    pending++;
  };
  return { socket, port: received[2], send, flush };
}

const SAMPLE = Buffer.from(
  "REGISTER sip:example.com SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bK1;rport\r\nFrom: <sip:a@example.com>;tag=1\r\n" +
    "To: <sip:a@example.com>\r\nCall-ID: 1\r\nCSeq: 1 REGISTER\r\nContact: <sip:a@127.0.0.1>\r\nContent-Length: 0\r\n\r\n",
);

function datagram() {
  if (random(4) > 0) {
    const mutated = Buffer.from(SAMPLE);
    for (let i = random(20); i > 0; i--) mutated[random(mutated.length)] = random(256);
    return mutated.subarray(0, random(mutated.length + 1));
  }
  return Buffer.alloc(random(random(8) === 0 ? 65_508 : 2000), random(256));
}

async function exchange(host) {
  const server = open(host, { echo: true });
  const client = open(host, { echo: false });
  for (let turn = 0; turn < 4; turn++) {
    // now and then to a port where nobody is
    for (let i = random(120); i > 0; i--) client.send(datagram(), random(50) === 0 ? 9 : server.port);
    client.flush();
    await nextTurn();
  }
  server.socket.close();
  client.socket.close();
}

/** Whatever JavaScript passes is refused by an exception, never by a crash. */
function misuse() {
  const { socket } = open("127.0.0.1", { echo: false });
  const wrong = [undefined, null, -1, 2 ** 32, Number.NaN, "text", "1".repeat(500), {}, [], 1n, Symbol("x"), () => {}, socket];
  const any = () => wrong[random(wrong.length)];
  const attempts = [
    () => socket.send(any(), any()),
    () => socket.send(0, OUTGOING + 1),
    () => socket.send.call(any(), 0, 0),
    () => socket.setMulticastTtl(any()),
    () => socket.close.call(any()),
    () => addon.open(any()),
    () => addon.open({ ipv6: any(), inbox: any(), received: any(), outbox: any(), outgoing: any(), counters: any() }),
    () => addon.open({ inbox: Buffer.alloc(10), received: new Uint32Array(8), outbox: Buffer.alloc(1), outgoing: new Uint32Array(1), counters: new Float64Array(1) }),
  ];
  for (const attempt of attempts) {
    try {
      attempt();
    } catch {}
  }
  for (const call of [() => socket.close(), () => socket.close(), () => socket.send(0, 0)]) {
    try {
      call();
    } catch {}
  }
}

/** An environment that ends while its socket is open, or is being collected. */
async function workers() {
  const code = `
    const { parentPort, workerData } = require("node:worker_threads");
    const addon = require(workerData);
    const open = (onBatch) => {
      const received = new Uint32Array(addon.batch * 8);
      received[4] = 0x7f000001;
      const socket = addon.open({ inbox: new Uint8Array(addon.batch * addon.slotOctets), received, outbox: new Uint8Array(1000),
        outgoing: new Uint32Array(80), counters: new Float64Array(addon.counters), onBatch, onUnreachable() {}, onWritable() {} });
      return { socket, port: received[2] };
    };
    open(() => {}).socket.close();
    open(() => {});
    const { port } = open((count) => { for (let end = Date.now() + 20; Date.now() < end; ) JSON.stringify({ count }); });
    parentPort.postMessage(port);`;
  const worker = new Worker(code, { eval: true, workerData: path });
  const port = await new Promise((resolve, reject) => worker.once("message", resolve).once("error", reject));
  // it ends in the midst of its callback
  const { socket, send, flush } = open("127.0.0.1", { echo: false });
  for (let i = 0; i < 200; i++) send(datagram(), port);
  flush();
  socket.close();
  await new Promise((resolve) => setTimeout(resolve, 10));
  await worker.terminate();
}

const residentMiB = () => process.memoryUsage.rss() / 2 ** 20;
let settled = 0;
for (let round = 0; round < Number(rounds); round++) {
  await exchange("127.0.0.1");
  await exchange("::1");
  misuse();
  if (round % 20 === 0) await workers();
  if (round % 10 === 0) globalThis.gc?.();
  if (round === Math.floor(rounds / 2)) settled = residentMiB();
}
globalThis.gc?.();
const grown = residentMiB() - settled;
console.log(`soak: ${rounds} rounds, seed ${seed}: ${heard} datagrams, ${unreachable} unreachable, ${grown.toFixed(0)} MiB grown in the second half`);
if (heard === 0) throw new Error("nothing was heard");
if (grown > 64) throw new Error("memory grows without end");
