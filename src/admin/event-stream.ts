import type { LocationEvent, LocationStore } from "../location/store.js";
import { contactView } from "./contact.js";
import { shown } from "./text.js";

/** Where a stream of server-sent events is written; `write` says whether more is welcome now. */
export interface EventSink {
  write(text: string): boolean;
  /** Calls back once, when more is welcome again. */
  onceWritable(callback: () => void): void;
  end(): void;
  /** Gives the reader up at once, with what it has not read. */
  abort(): void;
}

/** Events that wait for one slow reader; what comes on top is dropped, and the reader is told how many. */
const MOST_WAITING = 1000;
/** Streams open at a time. */
const MOST_STREAMS = 64;
/** Beats that a reader may take nothing for before it is given up. */
const MOST_SILENT_BEATS = 4;

/** Hands the changes of a store to any number of readers; watches it only while there is one. */
export interface EventHub {
  /** May one more reader come? */
  hasRoom(): boolean;
  /**
   * @param filter addresses-of-record to tell of
   * @returns the way to stop
   */
  open(sink: EventSink, filter: (aor: string) => boolean): () => void;
  /** A sign of life to every reader, which also shows who is gone. */
  beat(): void;
  close(): void;
}

interface Reader {
  readonly sink: EventSink;
  readonly filter: (aor: string) => boolean;
  readonly waiting: string[];
  dropped: number;
  blocked: boolean;
  silentBeats: number;
}

/** A hub without readers. */
export function eventHub(store: LocationStore): EventHub {
  const readers = new Set<Reader>();
  let stopWatching: (() => void) | undefined;

  const publish = (event: LocationEvent): void => {
    let text: string | undefined;
    for (const reader of readers) {
      if (!reader.filter(event.aor)) continue;
      text ??= eventText(event);
      offer(reader, text);
    }
  };
  const leave = (reader: Reader): void => {
    readers.delete(reader);
    if (readers.size > 0) return;
    stopWatching?.();
    stopWatching = undefined;
  };
  return {
    hasRoom: () => readers.size < MOST_STREAMS,
    open(sink, filter) {
      const reader: Reader = { sink, filter, waiting: [], dropped: 0, blocked: false, silentBeats: 0 };
      readers.add(reader);
      stopWatching ??= store.watch(publish);
      offer(reader, "retry: 3000\n\n");
      return () => leave(reader);
    },
    beat() {
      for (const reader of [...readers]) {
        if (!reader.blocked) offer(reader, ":\n\n");
        else if (++reader.silentBeats >= MOST_SILENT_BEATS) {
          leave(reader);
          reader.sink.abort();
        }
      }
    },
    close() {
      for (const reader of [...readers]) {
        leave(reader);
        reader.sink.end();
      }
    },
  };
}

function offer(reader: Reader, text: string): void {
  if (!reader.blocked) write(reader, text);
  else if (reader.waiting.length < MOST_WAITING) reader.waiting.push(text);
  else reader.dropped++;
}

function write(reader: Reader, text: string): void {
  if (reader.sink.write(text)) return;
  reader.blocked = true;
  reader.sink.onceWritable(() => resume(reader));
}

/** Everything that waited goes as one text, and then how much was lost behind it. */
function resume(reader: Reader): void {
  reader.blocked = false;
  reader.silentBeats = 0;
  let text = reader.waiting.join("");
  if (reader.dropped > 0) text += `event: dropped\ndata: ${JSON.stringify({ count: reader.dropped })}\n\n`;
  reader.waiting.length = 0;
  reader.dropped = 0;
  if (text !== "") write(reader, text);
}

/** One change as a server-sent event: its name is the kind, its data JSON on one line. */
export function eventText({ kind, aor, binding, atMs }: LocationEvent): string {
  const data = {
    kind,
    aor: shown(aor),
    at: new Date(atMs).toISOString(),
    contact: contactView(binding, atMs),
  };
  return `event: ${kind}\ndata: ${JSON.stringify(data)}\n\n`;
}
