import type { LocationEvent } from "../location/store.js";

type Listener = (event: LocationEvent) => void;

/** Those who watch one store. Each event reaches all of them before the next one reaches any. */
export class Watchers {
  readonly #listeners = new Set<Listener>();
  readonly #queue: LocationEvent[] = [];
  #emitting = false;

  /** Is there anybody to make events for? */
  get any(): boolean {
    return this.#listeners.size > 0;
  }

  add(listener: Listener): () => void {
    // An own function, so that one listener added twice is two and leaves twice.
    const entry: Listener = (event) => listener(event);
    this.#listeners.add(entry);
    return () => {
      this.#listeners.delete(entry);
    };
  }

  emit(events: readonly LocationEvent[]): void {
    for (const event of events) this.#queue.push(event);
    // A listener may change the store: what that brings waits for its turn.
    if (this.#emitting) return;
    this.#emitting = true;
    for (let event = this.#queue.shift(); event !== undefined; event = this.#queue.shift()) this.#tell(event);
    this.#emitting = false;
  }

  #tell(event: LocationEvent): void {
    for (const listener of this.#listeners) {
      try {
        listener(event);
      } catch (error) {
        // A listener's fault is no trouble of the store's, nor of the other listeners.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}
