import { statSync } from "node:fs";
import type { Clock, Timer } from "../port/clock.js";

/** A watch on some files. */
export interface FileWatcher {
  /** Watches these instead. */
  watch(files: readonly string[]): void;
  close(): void;
}

const LOOK_EVERY_MS = 2_000;

/**
 * Calls back when any of the files has changed: looked at by size and time every two seconds, which also sees files
 * replaced by a rename or behind a link, as certificate tools do. A change is told once the files rest.
 */
export function watchFiles(first: readonly string[], clock: Clock, changed: () => void): FileWatcher {
  let files = first;
  let told = stamps(files);
  let last = told;
  let timer: Timer | undefined;
  const look = (): void => {
    const now = stamps(files);
    if (now !== told && now === last) {
      told = now;
      changed();
    }
    last = now;
    timer = clock.after(LOOK_EVERY_MS, look);
  };
  if (files.length > 0) timer = clock.after(LOOK_EVERY_MS, look);
  return {
    watch(fresh) {
      files = fresh;
      told = stamps(files);
      last = told;
      timer?.cancel();
      timer = files.length > 0 ? clock.after(LOOK_EVERY_MS, look) : undefined;
    },
    close: () => timer?.cancel(),
  };
}

function stamps(files: readonly string[]): string {
  return files
    .map((file) => {
      const stat = statSync(file, { throwIfNoEntry: false });
      return stat === undefined ? "-" : `${stat.size}:${stat.mtimeMs}:${stat.ino}`;
    })
    .join(" ");
}
