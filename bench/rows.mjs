/** What is measured: rows of contenders under one load. The names G1 to G6 are those of docs/performance.md. */
import { startKamailio } from "./servers/kamailio.mjs";
import { startRollcall } from "./servers/rollcall.mjs";

const kamailio = (note, options = {}) => ({
  name: note === "" ? "Kamailio" : `Kamailio, ${note}`,
  family: "kamailio",
  start: (extra) => startKamailio({ ...options, ...extra }),
});

/** Both ways to start it: as packages do, which is what operators run, and with the allocator that it has for speed. */
const bothKamailios = (options = {}) => [
  kamailio("in memory", { ...options, packaged: true }),
  kamailio("in memory, -x fm", options),
];

const rollcall = (note, options = {}) => ({
  name: `Rollcall, ${note}`,
  family: "rollcall",
  start: (extra) => startRollcall({ ...options, ...extra }),
});

const LOAD = { kind: "register", transport: "udp", concurrency: 64, links: 4, auth: false };
/** Streams: a connection for each of the exchanges that are under way. */
const STREAMS = { ...LOAD, links: 64 };

/** A contender that is loaded over a transport of its own, where a row compares several. */
const over = (transport, contender) => ({ ...contender, transport });

const UDP_DURABLE = [
  rollcall("durable, dgram", { durable: true, batched: false }),
  rollcall("durable, batched", { durable: true, batched: true }),
];

/**
 * key, title, unit of work, load, contenders; how: `closed` measures the loop, `half` the latency at half of each one's own
 * peak, `scale` memory and restart with many contacts, `connections` a binding on each of many connections,
 * `ringing` many calls that ring at once. The first contender is what the others are held against.
 */
export const ROWS = [
  {
    key: "G1",
    title: "REGISTER over UDP, no credentials",
    work: "REGISTER",
    how: "closed",
    load: LOAD,
    contenders: [
      ...bothKamailios(),
      rollcall("in memory, dgram", { batched: false }),
      rollcall("in memory, batched", { batched: true }),
      ...UDP_DURABLE,
    ],
  },
  {
    key: "G2",
    title: "REGISTER over UDP, Digest with the whole 401 handshake",
    work: "handshake",
    how: "closed",
    load: { ...LOAD, auth: true },
    contenders: [
      ...bothKamailios({ auth: true }),
      rollcall("durable, dgram", { durable: true, batched: false, auth: true }),
      rollcall("durable, batched", { durable: true, batched: true, auth: true }),
    ],
  },
  {
    key: "G3",
    title: "REGISTER over UDP, on disk before the 200",
    work: "REGISTER",
    how: "closed",
    load: LOAD,
    contenders: [
      kamailio("SQLite write-through", { durable: true }),
      kamailio("SQLite write-through, WAL", { durable: true, wal: true }),
      ...UDP_DURABLE,
    ],
  },
  {
    key: "G4",
    title: "Many contacts: memory, and G5: restart",
    work: "contact",
    how: "scale",
    load: { ...LOAD, kind: "preload" },
    contenders: [
      kamailio("in memory"),
      rollcall("in memory, batched", { batched: true }),
      rollcall("durable, batched", { durable: true, batched: true }),
    ],
  },
  {
    key: "G6",
    title: "A call through lookup: INVITE, 180, 200, ACK, BYE, 200",
    work: "call",
    how: "closed",
    load: { ...LOAD, kind: "call" },
    contenders: [
      ...bothKamailios({ call: true }),
      rollcall("durable, dgram", { durable: true, batched: false }),
      rollcall("durable, batched", { durable: true, batched: true }),
    ],
  },
  {
    key: "RINGING",
    title: "Calls that ring all at once, and are all cancelled",
    work: "call",
    how: "ringing",
    load: LOAD,
    contenders: [
      kamailio("in memory", { call: true }),
      rollcall("durable, dgram", { durable: true, batched: false, admin: true }),
      rollcall("durable, batched", { durable: true, batched: true, admin: true }),
    ],
  },
  {
    key: "TCP",
    title: "REGISTER over 64 TCP connections",
    work: "REGISTER",
    how: "closed",
    load: { ...STREAMS, transport: "tcp" },
    contenders: [
      kamailio("in memory", { tcp: true }),
      rollcall("in memory", { batched: true, tcp: true }),
      rollcall("durable", { durable: true, batched: true, tcp: true }),
    ],
  },
  {
    key: "WS",
    title: "REGISTER over 64 WebSocket connections",
    work: "REGISTER",
    how: "closed",
    load: { ...STREAMS, transport: "ws" },
    contenders: [
      kamailio("in memory", { ws: true }),
      rollcall("in memory", { batched: true, ws: true }),
      rollcall("durable", { durable: true, batched: true, ws: true }),
    ],
  },
  {
    key: "CONNECTIONS",
    title: "Connections with a binding each: memory, all refreshing at once, all dying at once",
    work: "connection",
    how: "connections",
    load: {},
    contenders: [
      over("tcp", kamailio("in memory, TCP", { tcp: true })),
      over("tcp", rollcall("durable, TCP", { durable: true, batched: true, tcp: true, admin: true })),
      over("tls", rollcall("durable, TLS", { durable: true, batched: true, tls: true, admin: true })),
      over("ws", kamailio("in memory, WS", { ws: true })),
      over("ws", rollcall("durable, WS", { durable: true, batched: true, ws: true, admin: true })),
    ],
  },
  {
    key: "LATENCY",
    title: "REGISTER over UDP at half of each one's own peak",
    work: "REGISTER",
    how: "half",
    load: LOAD,
    contenders: [kamailio("in memory"), ...UDP_DURABLE],
  },
  {
    key: "METRICS",
    title: "The same with nobody looking, and with metrics scraped once a second",
    work: "REGISTER",
    how: "closed",
    load: LOAD,
    contenders: [
      rollcall("durable, batched", { durable: true, batched: true }),
      {
        ...rollcall("durable, batched, scraped", { durable: true, batched: true, admin: true }),
        scrape: true,
      },
    ],
  },
];
