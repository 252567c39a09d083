import { z } from "zod";
import { DEFAULT_LIMITS } from "../message/limits.js";
import { DEFAULT_TRANSACTIONS } from "../transaction/layer.js";
import {
  addressOfRecord,
  count,
  domain,
  domainPattern,
  hostPort,
  httpUrl,
  listenUri,
  nameServer,
  network,
  origin,
  path,
  postgresUrl,
  realm,
  route,
  seconds,
  sipUri,
  storeUrl,
  userPart,
} from "./config-scalars.js";

const expires = z.strictObject({
  min: seconds(0)
    .optional()
    .describe(
      "Shorter requests are answered 423 with Min-Expires, in seconds; 0 switches the check off. Default 30.",
    ),
  default: seconds(1)
    .optional()
    .describe("Granted when a REGISTER asks for nothing, in seconds. Default 3600."),
  max: seconds(1)
    .optional()
    .describe("Longest grant, in seconds; longer requests are cut down to it. Default 3600."),
});

/** Addresses by user: `bob@example.com`, `*@example.com` or `*`. */
const userRules = z
  .record(z.string().min(1).max(255), z.array(z.string().min(1).max(255)).min(1).max(1000))
  .default({});

const auth = z.strictObject({
  realm: realm.optional().describe("Realm of the challenge. Default: the domain that the request names."),
  algorithms: z
    .array(z.enum(["md5", "sha-256", "sha-512-256"]))
    .min(1)
    .max(3)
    .default(["md5"])
    .describe(
      "Digest algorithms to offer, in this order. Many phones know MD5 alone, and fail on any other first offer.",
    ),
  nonceSeconds: seconds(1, 86_400).default(300).describe("How long a nonce may be used, in seconds."),
  allowWithoutQop: z
    .boolean()
    .default(false)
    .describe(
      "Let clients register that know no qop (RFC 2069). Nothing counts their requests, so each nonce serves one.",
    ),
  registerFor: userRules.describe(
    "Whom users may register beside themselves (third-party registration), by user, or user@realm.",
  ),
  callAs: userRules.describe("As whom users may call beside themselves, by user, or user@realm."),
});

const accountSource = z.union(
  [
    z.literal("store"),
    z.strictObject({ htdigest: path.describe("File of lines user:realm:HA1.") }),
    z.strictObject({
      postgres: postgresUrl.meta({
        format: "uri",
        description: "postgres://USER:PASSWORD@HOST/DATABASE with a subscriber table.",
      }),
    }),
    z.strictObject({
      http: httpUrl.meta({
        format: "uri",
        description: "URL of a service that is asked with POST; with USER:PASSWORD@ by Basic authentication.",
      }),
    }),
  ],
  { error: "expected store, { htdigest: FILE }, { postgres: URL } or { http: URL }" },
);

const certificate = {
  cert: path.describe("Certificate chain, PEM."),
  key: path.describe("Private key, PEM."),
};

const tls = z.strictObject({
  ...certificate,
  servers: z
    .array(
      z.strictObject({
        name: domain.describe("Server name (SNI) that this certificate answers."),
        ...certificate,
      }),
    )
    .max(1000)
    .default([])
    .describe("More certificates, chosen by the name that the client asks for."),
  clientCa: path.optional().describe("Certificates of those who sign client certificates, PEM."),
  verifyClients: z
    .enum(["off", "optional", "required"])
    .default("off")
    .describe("Ask clients for a certificate (mutual TLS); needs clientCa."),
  minVersion: z.enum(["TLSv1.2", "TLSv1.3"]).default("TLSv1.2").describe("Oldest protocol version spoken."),
});

const adminListen = z.union([z.literal("off"), hostPort], { error: "expected HOST:PORT or off" });

const admin = z.union(
  [
    z.literal("off"),
    hostPort,
    z.strictObject({
      listen: adminListen.optional().describe("HOST:PORT, or off. Default 127.0.0.1:8060."),
      token: z
        .string()
        .min(16)
        .max(1024)
        .optional()
        .describe("Bearer token that logs in; 16 characters or more."),
      tokenFile: path.optional().describe("File that holds the bearer token."),
      user: z.string().min(1).max(255).optional().describe("User name of the basic login."),
      password: z
        .string()
        .min(8)
        .max(1024)
        .optional()
        .describe("Password of the basic login; 8 characters or more."),
      hosts: z
        .array(z.string().min(1).max(255))
        .max(100)
        .default([])
        .describe("More host names under which browsers may ask for this listener."),
    }),
  ],
  { error: "expected HOST:PORT, off, or keys such as listen and token" },
);

const limits = z.strictObject({
  contactsPerAor: count(1, 1000)
    .default(10)
    .describe("Contacts that one address-of-record may have at a time."),
  contactsPerRequest: count(1, 100).default(10).describe("Contacts that one REGISTER may name."),
  overLimit: z
    .enum(["reject", "evict-oldest", "evict-unreachable"])
    .default("reject")
    .describe("What happens to a contact beyond contactsPerAor."),
  overLimitStatus: z
    .union([z.literal(403), z.literal(503)], { error: "expected 403 or 503" })
    .default(403)
    .describe("Status that overLimit: reject answers with."),
  messageOctets: count(1024, 1_048_576)
    .default(DEFAULT_LIMITS.messageOctets)
    .describe("Largest message on any transport, in octets."),
  headerOctets: count(512, 262_144)
    .default(DEFAULT_LIMITS.headerOctets)
    .describe("Start line and header fields together, in octets."),
  fieldOctets: count(128, 65_536)
    .default(DEFAULT_LIMITS.fieldOctets)
    .describe("One header field, in octets."),
  fields: count(16, 2000).default(DEFAULT_LIMITS.fields).describe("Header fields of one message."),
  elements: count(8, 1000)
    .default(DEFAULT_LIMITS.elements)
    .describe("Elements of one list header, such as Via or Contact."),
  connections: count(1, 1_000_000)
    .default(100_000)
    .describe("Connections open at a time, over all listeners."),
  connectionsPerAddress: count(1, 1_000_000)
    .default(2000)
    .describe("Connections open at a time from one address."),
  transactions: count(1000, 4_000_000)
    .default(DEFAULT_TRANSACTIONS)
    .describe(
      "Requests that the proxy carries at a time, those answered in the last 32 s included; further ones are answered 503 with Retry-After.",
    ),
});

const guard = z.strictObject({
  enabled: z.boolean().default(true).describe("Hold down floods, password guessing and scans."),
  requestsPerSecond: count(1, 1_000_000)
    .default(1500)
    .describe(
      "Requests a second that one source may send for long; those of users who log in are given back.",
    ),
  burst: count(1, 10_000_000)
    .optional()
    .describe("Requests that one source may send at once. Default: four times requestsPerSecond."),
  attempts: count(1, 1000)
    .default(5)
    .describe("Wrong passwords of one user at one source before further ones are not looked at."),
  attemptSeconds: seconds(1, 86_400).default(30).describe("Until one more is looked at, in seconds."),
  banUsers: count(1, 48)
    .default(16)
    .describe("Users with wrong passwords in ten minutes that get a source banned where nobody logs in."),
  banSeconds: seconds(1, 86_400)
    .default(300)
    .describe("How long a first ban lasts, in seconds; each further one in a day lasts twice as long."),
  allow: z
    .array(network)
    .max(10_000)
    .default(["127.0.0.0/8", "::1"])
    .describe("Addresses and networks that are never limited or banned."),
  deny: z.array(network).max(10_000).default([]).describe("Addresses and networks that are never heard."),
});

const ws = z.strictObject({
  origins: z
    .array(origin)
    .max(1000)
    .default([])
    .describe("Origins of pages that may connect, such as https://phone.example.com. Default: any."),
});

const connections = z.strictObject({
  idleSeconds: seconds(10, 86_400)
    .default(300)
    .describe(
      "A connection that no binding lives on is closed after this long without a message, in seconds.",
    ),
});

const nat = z.strictObject({
  pingSeconds: seconds(0, 3600)
    .default(0)
    .describe(
      "Phones registered over UDP and without a Path are sent OPTIONS this often, in seconds; 0 switches it off.",
    ),
  pingMisses: count(1, 100)
    .default(3)
    .describe(
      "Pings in a row without an answer by the time of the next, or after 32 seconds, that keep a phone from being called until it answers or registers again.",
    ),
});

const outbound = z.strictObject({
  enabled: z.boolean().default(true).describe("Several flows to one phone, RFC 5626."),
  flowTimerSeconds: seconds(10, 86_400)
    .default(120)
    .describe("Flow-Timer: how long a flow may stay without a keep-alive, in seconds."),
});

const serviceRoute = z
  .array(
    z.strictObject({
      domain: domain.optional().describe("Only for this domain. Default: every domain."),
      user: userPart.optional().describe("Only for this user."),
      routes: z
        .array(route)
        .min(1)
        .max(20)
        .describe("One route each, in brackets and with lr, such as <sip:edge.example.com;lr>."),
    }),
  )
  .max(1000);

const proxy = z.strictObject({
  enabled: z.boolean().default(true).describe("Carry calls and messages to registered phones."),
  mode: z
    .enum(["proxy", "redirect", "stateless"])
    .default("proxy")
    .describe(
      "proxy forwards and keeps state, redirect answers 302 with the contacts, stateless forwards and forgets.",
    ),
  timerCSeconds: seconds(181, 86_400)
    .default(185)
    .describe(
      "Timer C: how long an INVITE may ring without another provisional response, in seconds; more than 180 by RFC 3261 §16.6.",
    ),
  recordRoute: z.boolean().default(true).describe("Stay in the path of a dialog."),
  callSelf: z
    .boolean()
    .default(false)
    .describe(
      "Call contacts that point back to this server, so that users can be forwarded to others by their contacts.",
    ),
  outgoingProxy: sipUri
    .optional()
    .describe(
      "SIP URI of a proxy that every request to a domain which is not ours goes through. Default: none.",
    ),
  domainProxies: z
    .record(domainPattern, sipUri)
    .default({})
    .describe(
      "SIP URIs of such proxies by the domain that a request goes to: example.org, or *.example.org for all below it. Default: none.",
    ),
  goneUsers: z
    .array(addressOfRecord)
    .max(10_000)
    .default([])
    .describe("Addresses-of-record that are answered 410 Gone. Default: none."),
});

const pathMode = z.enum(["strict", "accept", "off"]);

const pathSetting = z.union(
  [
    pathMode,
    z.boolean(),
    z.strictObject({
      mode: pathMode.default("strict").describe("What the plain word says."),
      from: z
        .array(network)
        .min(1)
        .max(10_000)
        .optional()
        .describe(
          "Addresses and networks of edge proxies: a REGISTER with a Path that comes from elsewhere is refused with 403. Default: any.",
        ),
    }),
  ],
  { error: "expected strict, accept or off, or keys mode and from" },
);

const dns = z.strictObject({
  servers: z
    .array(nameServer)
    .max(10)
    .default([])
    .describe("DNS servers to ask, IP or IP:PORT. Default: those of the system."),
});

/** The configuration file: every key, its shape, its default and what it means. Unknown keys are refused. */
export const configSchema = z.strictObject({
  listen: z
    .array(listenUri)
    .min(1)
    .max(64)
    .optional()
    .describe("Where to listen. Default: udp:127.0.0.1:5060, tcp:127.0.0.1:5060, ws:127.0.0.1:5066."),
  domains: z
    .array(domain)
    .max(100_000)
    .default([])
    .describe("Domains that the registrar is responsible for. Default: every domain."),
  data: path.optional().describe("Folder of the embedded store. Default ./rollcall-data."),
  store: storeUrl.optional().describe("lmdb:DIR or memory:. Default: lmdb: and the data folder."),
  open: z
    .boolean()
    .optional()
    .describe(
      "true: REGISTER needs no credentials; false: it always does. Default: it does, unless there is no account and every listener is on loopback.",
    ),
  expires: expires.prefault({}).describe("Lifetimes of bindings, in seconds."),
  auth: auth.prefault({}).describe("Digest authentication."),
  accounts: z
    .array(accountSource)
    .min(1)
    .max(10)
    .default(["store"])
    .describe("Where accounts are looked up, in this order."),
  tls: tls.optional().describe("Certificates of tls: and wss: listeners."),
  admin: admin.optional().describe("Admin API, status page, metrics, health. Default 127.0.0.1:8060."),
  limits: limits.prefault({}).describe("Bounds on what phones may ask for."),
  guard: guard.prefault({}).describe("Protection from floods and password guessing."),
  ws: ws.prefault({}).describe("WebSocket listeners."),
  connections: connections.prefault({}).describe("TCP, TLS and WebSocket connections."),
  nat: nat.prefault({}).describe("Phones behind NAT."),
  path: pathSetting
    .default("strict")
    .describe(
      "Keep Path vectors and route through them, RFC 3327. A phone behind an edge proxy that does not say Supported: path is refused with 420 by strict (true), as the RFC recommends, and taken by accept; off (false) ignores Path.",
    ),
  outbound: outbound.prefault({}).describe("Client-initiated connections, RFC 5626."),
  gruu: z.boolean().default(true).describe("Give out globally routable user agent URIs, RFC 5627."),
  serviceRoute: serviceRoute
    .default([])
    .describe("Service-Route values given to phones, RFC 3608; the first entry that fits."),
  proxy: proxy.prefault({}).describe("Calls and messages to registered phones."),
  dns: dns.prefault({}).describe("Name resolution."),
  logLevel: z
    .enum(["debug", "info", "warn", "error"])
    .default("info")
    .describe("Least level that is logged."),
});

/** The configuration file as checked, defaults filled in. */
export type ConfigFile = z.output<typeof configSchema>;
