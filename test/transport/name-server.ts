import { createSocket, type Socket } from "node:dgram";
import { canonicalIpv6 } from "../../src/message/host.js";

/** Records of one name, as they stand in a zone file; `NAPTR` values are `order preference flags service replacement`. */
export interface ZoneName {
  readonly A?: readonly string[];
  readonly AAAA?: readonly string[];
  /** `priority weight port target` */
  readonly SRV?: readonly string[];
  readonly NAPTR?: readonly string[];
  readonly CNAME?: string;
  readonly ttlSec?: number;
  /** What is wrong with it: the server fails, refuses, or keeps silent. */
  readonly trouble?: "servfail" | "refused" | "silent";
}

export type Zone = Readonly<Record<string, ZoneName>>;

const TYPES = { A: 1, CNAME: 5, AAAA: 28, SRV: 33, NAPTR: 35 } as const;
type RecordType = keyof typeof TYPES;
const RCODES = { ok: 0, servfail: 2, nxdomain: 3, refused: 5 } as const;

/** A DNS server on loopback that knows one zone, and remembers what it was asked (RFC 1035 §4). */
export class NameServer {
  /** `TYPE name` of each query, in order. */
  readonly asked: string[] = [];
  readonly #socket: Socket;
  #zone: Zone;

  private constructor(socket: Socket, zone: Zone) {
    this.#socket = socket;
    this.#zone = zone;
    socket.on("message", (query, from) => {
      const answer = this.#answer(query);
      if (answer !== undefined) socket.send(answer, from.port, from.address);
    });
  }

  static async start(zone: Zone = {}): Promise<NameServer> {
    const socket = createSocket("udp4");
    await new Promise<void>((bound) => socket.bind(0, "127.0.0.1", bound));
    return new NameServer(socket, zone);
  }

  /** `127.0.0.1:port`. */
  get address(): string {
    return `127.0.0.1:${this.#socket.address().port}`;
  }

  /** Knows another zone from now on, and forgets what it was asked. */
  serve(zone: Zone): void {
    this.#zone = zone;
    this.asked.length = 0;
  }

  close(): Promise<void> {
    return new Promise((closed) => this.#socket.close(closed));
  }

  #answer(query: Buffer): Buffer | undefined {
    const { name, type, end } = readQuestion(query);
    this.asked.push(`${type} ${name}`);
    const known = this.#zone[name];
    if (known?.trouble === "silent") return undefined;
    if (known?.trouble !== undefined) return reply(query, end, RCODES[known.trouble], []);
    if (known === undefined) return reply(query, end, RCODES.nxdomain, []);
    return reply(query, end, RCODES.ok, this.#records(name, type));
  }

  #records(name: string, type: RecordType): Buffer[] {
    const known = this.#zone[name];
    if (known === undefined) return [];
    const { CNAME, ttlSec = 60 } = known;
    if (CNAME !== undefined) {
      return [record(name, "CNAME", ttlSec, writeName(CNAME)), ...this.#records(CNAME, type)];
    }
    if (type === "CNAME") return [];
    return (known[type] ?? []).map((value) => record(name, type, ttlSec, rdata(type, value)));
  }
}

function readQuestion(query: Buffer): { name: string; type: RecordType; end: number } {
  const labels: string[] = [];
  let at = 12;
  while (query[at] !== 0) {
    const length = query[at]!;
    labels.push(query.toString("latin1", at + 1, at + 1 + length));
    at += length + 1;
  }
  const code = query.readUInt16BE(at + 1);
  const [type] = Object.entries(TYPES).find(([, value]) => value === code) ?? [];
  if (type === undefined) throw new Error(`asked for a record of type ${code}`);
  return { name: labels.join(".").toLowerCase(), type: type as RecordType, end: at + 5 };
}

function reply(query: Buffer, questionEnd: number, rcode: number, answers: readonly Buffer[]): Buffer {
  const head = Buffer.from(query.subarray(0, questionEnd));
  head.writeUInt16BE(0x8180 | rcode, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt16BE(answers.length, 6);
  head.writeUInt32BE(0, 8);
  return Buffer.concat([head, ...answers]);
}

function record(name: string, type: RecordType, ttlSec: number, data: Buffer): Buffer {
  const fixed = Buffer.alloc(10);
  fixed.writeUInt16BE(TYPES[type], 0);
  fixed.writeUInt16BE(1, 2);
  fixed.writeUInt32BE(ttlSec, 4);
  fixed.writeUInt16BE(data.length, 8);
  return Buffer.concat([writeName(name), fixed, data]);
}

function rdata(type: Exclude<RecordType, "CNAME">, value: string): Buffer {
  const words = value.split(" ");
  switch (type) {
    case "A":
      return Buffer.from(value.split(".").map(Number));
    case "AAAA":
      return ipv6Octets(value);
    case "SRV":
      return Buffer.concat([shorts(words.slice(0, 3)), writeName(words[3]!)]);
    case "NAPTR":
      return Buffer.concat([
        shorts(words.slice(0, 2)),
        ...[words[2]!, words[3]!, ""].map(characterString),
        writeName(words[4]!),
      ]);
  }
}

function shorts(words: readonly string[]): Buffer {
  return Buffer.concat(words.map((word) => Buffer.from([Number(word) >> 8, Number(word) & 255])));
}

function characterString(text: string): Buffer {
  const plain = text === "-" ? "" : text;
  return Buffer.concat([Buffer.from([plain.length]), Buffer.from(plain, "latin1")]);
}

function writeName(name: string): Buffer {
  const labels = name.split(".").filter((label) => label.length > 0);
  return Buffer.concat([...labels.map((label) => characterString(label)), Buffer.from([0])]);
}

function ipv6Octets(text: string): Buffer {
  const [head = "", tail = ""] = canonicalIpv6(text)!.split("::");
  const groups = (part: string) => (part === "" ? [] : part.split(":"));
  const [front, back] = [groups(head), groups(tail)];
  const all = [...front, ...Array<string>(8 - front.length - back.length).fill("0"), ...back];
  return shorts(all.map((group) => String(Number.parseInt(group, 16))));
}
