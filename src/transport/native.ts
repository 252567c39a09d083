import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** What `open` of the addon wants. Buffers are held until the socket closes. */
export interface NativeUdpOptions {
  readonly ipv6: boolean;
  readonly reusePort: boolean;
  /** SO_RCVBUF and SO_SNDBUF in octets; 0 leaves the system's size. */
  readonly receiveBuffer: number;
  readonly sendBuffer: number;
  /** `batch` slots of `slotOctets`, and an entry for each. The first names the address to bind, and then the one that was bound. */
  readonly inbox: Uint8Array;
  readonly received: Uint32Array;
  /** Octets to send, and an entry for each datagram. */
  readonly outbox: Uint8Array;
  readonly outgoing: Uint32Array;
  /** Sums that the addon keeps, see {@link NativeCounter}. */
  readonly counters: Float64Array;
  /** The first `count` entries of `received` and their slots are filled, until the call returns. */
  onBatch(count: number): void;
  /** The first `count` entries of `received` name peers that ICMP says are not reached; `length` is the error number. */
  onUnreachable(count: number): void;
  /** The system takes datagrams again, after `send` took fewer than it was given. */
  onWritable(): void;
}

/** Index into the counters that the addon keeps. */
export const NativeCounter = {
  /** Datagrams that the system dropped since the socket's buffer was full (SO_RXQ_OVFL); told with the next one received. */
  dropped: 0,
  /** Datagrams that the system refused to send. */
  refused: 1,
  /** The last error number, positive. */
  lastError: 2,
} as const;

/** Words of an entry: eight of them describe one datagram. */
export const EntryWord = { offset: 0, length: 1, port: 2, scope: 3, address: 4 } as const;

/** A bound socket of the addon. */
export interface NativeUdpSocket {
  /** Sends outgoing entries; returns how many are done with. Fewer than `count`: the system takes no more, `onWritable` follows. */
  send(first: number, count: number): number;
  setMulticastTtl(hops: number): void;
  close(): void;
}

/** The addon of `native/`: UDP sockets that move many datagrams per system call. */
export interface NativeUdp {
  /** Most datagrams per `onBatch`. */
  readonly batch: number;
  readonly slotOctets: number;
  readonly entryWords: number;
  /** How many counters there are. */
  readonly counters: number;
  /** Binds; throws with the system's `code` when it cannot. */
  open(options: NativeUdpOptions): NativeUdpSocket;
}

/** The addon, or why it is not to be had, in a few words for the log. */
export type NativeLoad =
  | { readonly addon: NativeUdp; readonly reason: undefined }
  | { readonly addon: undefined; readonly reason: string };

let loaded: NativeLoad | undefined;

/** Loads the addon once; never throws. It is optional: built at installation where a compiler and headers are found, on Linux. */
export function loadNativeUdp(): NativeLoad {
  loaded ??= load();
  return loaded;
}

function load(): NativeLoad {
  if (process.env.ROLLCALL_NO_NATIVE === "1") return absent("ROLLCALL_NO_NATIVE is set");
  if (process.platform !== "linux") return absent(`not for ${process.platform}`);
  const require = createRequire(import.meta.url);
  // from src/transport and from dist/transport alike
  const folder = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "native");
  try {
    const addon: NativeUdp = require("node-gyp-build")(folder);
    const fits = addon.entryWords === 8 && addon.counters === Object.keys(NativeCounter).length;
    return fits ? { addon, reason: undefined } : absent("built for another version");
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    return absent(text.startsWith("No native build") ? "not built" : (text.split("\n", 1)[0] ?? ""));
  }
}

function absent(reason: string): NativeLoad {
  return { addon: undefined, reason };
}
