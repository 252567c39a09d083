import type { Endpoint } from "../port/leg.js";
import { EntryWord, type NativeUdpSocket } from "./native.js";
import type { WireAddresses } from "./wire-address.js";

/** Entries that wait at most; the octets are bounded by the outbox. */
const ENTRIES = 4096;
const WORDS = 8;

/**
 * Datagrams on their way out: octets one behind the other, and an entry each. Whatever the system does not take stays
 * until it does; what does not fit beside that is refused. Room is won back when all has gone.
 */
export class UdpOutbox {
  readonly octets: Buffer;
  readonly entries = new Uint32Array(ENTRIES * WORDS);
  #first = 0;
  #end = 0;
  #used = 0;
  #blocked = false;
  #socket: NativeUdpSocket | undefined;
  #addresses: WireAddresses | undefined;

  constructor(octets: number) {
    this.octets = Buffer.allocUnsafeSlow(octets);
  }

  /** Names the socket that everything leaves by, and how addresses are written for it. */
  attach(socket: NativeUdpSocket, addresses: WireAddresses): void {
    this.#socket = socket;
    this.#addresses = addresses;
  }

  get isEmpty(): boolean {
    return this.#first === this.#end;
  }

  /** The system took less than it was given: it will say when it takes more. */
  get isBlocked(): boolean {
    return this.#blocked;
  }

  /** Is there room for one more of this size? */
  hasRoom(octets: number): boolean {
    return this.#end < ENTRIES && this.#used + octets <= this.octets.length;
  }

  /**
   * Adds a text (latin1) for a peer; the caller has seen that there is room.
   * @returns `false` when the peer's address is none of the socket's family
   */
  addText(text: string, to: Endpoint): boolean {
    this.octets.write(text, this.#used, "latin1");
    return this.#add(text.length, to);
  }

  /** As {@link addText}, for octets. */
  addOctets(octets: Buffer, to: Endpoint): boolean {
    octets.copy(this.octets, this.#used);
    return this.#add(octets.length, to);
  }

  #add(length: number, { address, port }: Endpoint): boolean {
    const entry = this.#end * WORDS;
    if (this.#addresses?.write(this.entries, entry, address) !== true) return false;
    this.entries[entry + EntryWord.offset] = this.#used;
    this.entries[entry + EntryWord.length] = length;
    this.entries[entry + EntryWord.port] = port;
    this.#end++;
    this.#used += length;
    return true;
  }

  /** Gives what waits to the system. */
  flush(): void {
    const count = this.#end - this.#first;
    if (count === 0 || this.#socket === undefined) return;
    const done = this.#socket.send(this.#first, count);
    this.#blocked = done < count;
    if (this.#blocked) this.#first += done;
    else {
      this.#first = 0;
      this.#end = 0;
      this.#used = 0;
    }
  }
}
