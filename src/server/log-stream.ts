import { write, writeSync } from "node:fs";
import type { Clock } from "../port/clock.js";

/** Where a log goes in the end: a file descriptor that may be full, slow, or gone. */
export interface LogFile {
  /** Writes some of the octets; `written` of them went out when there is no error. */
  write(octets: Uint8Array, done: (error: NodeJS.ErrnoException | null, written: number) => void): void;
  /** The same at once; throws the system's error. */
  writeSync(octets: Uint8Array): number;
}

export interface LogStreamOptions {
  readonly file: LogFile;
  readonly clock: Pick<Clock, "after">;
}

/** A stream of log lines that never holds up the process, whatever becomes of its reader. */
export interface LogStream {
  write(line: string): void;
  /** Writes what waits, as far as the system takes it at once: for a process that ends here and now. */
  flush(): void;
  /** Resolves when all is written, or after half a second. */
  drain(): Promise<void>;
  /** Lines that were dropped: the reader was too slow, or the file took no more. */
  readonly dropped: number;
}

/** Octets that may wait for a slow reader; beyond them lines are dropped, for a log must not eat the memory. */
const MOST_QUEUED_OCTETS = 8 * 1024 * 1024;
const CHUNK_OCTETS = 64 * 1024;
/** A pipe that is full is tried again after this. */
const RETRY_MS = 50;
const DRAIN_MS = 500;
/** How often a flush tries a pipe that is full. */
const FLUSH_TRIES = 100;

/** Standard output of this process. */
export const STDOUT: LogFile = {
  write: (octets, done) => write(1, octets, done),
  writeSync: (octets) => writeSync(1, octets),
};

/**
 * Lines go out in order, many at a time, on another thread. A full disk or a size limit costs the lines that could not
 * be written, a reader that is gone all that follow; neither is an error of the server's.
 */
export function logStream({ file, clock }: LogStreamOptions): LogStream {
  let waiting: string[] = [];
  let waitingOctets = 0;
  /** What is being written now; a part of it may have gone out. */
  let current: Buffer | undefined;
  let isGone = false;
  let dropped = 0;
  let drained: (() => void)[] = [];

  const drop = (lines: number): void => {
    dropped += lines;
  };
  const take = (): Buffer | undefined => {
    if (waiting.length === 0) return undefined;
    let count = 0;
    for (let octets = 0; count < waiting.length && octets < CHUNK_OCTETS; count++)
      octets += waiting[count]!.length;
    const chunk = Buffer.from(waiting.splice(0, count).join(""), "utf8");
    waitingOctets = Math.max(0, waitingOctets - chunk.length);
    return chunk;
  };
  /** What an error leaves to be written: all of it when the pipe is only full, nothing otherwise. */
  const afterError = (error: NodeJS.ErrnoException, octets: Buffer): Buffer | undefined => {
    if (error.code === "EAGAIN" || error.code === "EINTR") return octets;
    drop(1);
    if (error.code === "EPIPE" || error.code === "EBADF") {
      isGone = true;
      drop(waiting.length);
      waiting = [];
      waitingOctets = 0;
    }
    return undefined;
  };
  const next = (): void => {
    current ??= take();
    if (current === undefined) {
      for (const resolve of drained) resolve();
      drained = [];
      return;
    }
    const octets = current;
    file.write(octets, (error, written) => {
      if (error === null) {
        current = written < octets.length ? octets.subarray(written) : undefined;
        next();
        return;
      }
      current = afterError(error, octets);
      if (current === undefined) next();
      else clock.after(RETRY_MS, next);
    });
  };

  return {
    write(line) {
      const octets = Buffer.byteLength(line);
      if (isGone || waitingOctets + octets > MOST_QUEUED_OCTETS) {
        drop(1);
        return;
      }
      waiting.push(line);
      waitingOctets += octets;
      if (current === undefined) next();
    },
    flush() {
      for (let tries = 0; tries < FLUSH_TRIES; ) {
        // what another thread is writing now is left to it: writing it here would double it
        const octets = take();
        if (octets === undefined) return;
        let rest: Buffer | undefined = octets;
        while (rest !== undefined && tries < FLUSH_TRIES) {
          const part: Buffer = rest;
          try {
            const written = file.writeSync(part);
            rest = written < part.length ? part.subarray(written) : undefined;
          } catch (error) {
            tries++;
            rest = afterError(error as NodeJS.ErrnoException, part);
          }
        }
      }
    },
    drain() {
      if (current === undefined) return Promise.resolve();
      return new Promise((resolve) => {
        const timer = clock.after(DRAIN_MS, resolve);
        drained.push(() => {
          timer.cancel();
          resolve();
        });
      });
    },
    get dropped() {
      return dropped;
    },
  };
}
