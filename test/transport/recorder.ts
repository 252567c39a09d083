import type { Endpoint, Flow, Leg, LegEvents, Transport } from "../../src/port/leg.js";

/** One thing that a leg told, in the order it came. */
type Told =
  | { readonly kind: "message"; readonly text: string; readonly flow: Flow }
  | {
      readonly kind: "malformed";
      readonly text: string;
      readonly status: number;
      readonly reason: string;
      readonly flow: Flow;
    }
  | { readonly kind: "closed"; readonly flow: Flow; readonly wasAlive: boolean }
  | { readonly kind: "batch-end" }
  | { readonly kind: "fault"; readonly error: Error };

type ToldAs<Kind extends Told["kind"]> = Extract<Told, { kind: Kind }>;

export interface Recorder {
  readonly events: LegEvents;
  readonly told: readonly Told[];
  /** The next event of this kind that was not waited for yet. */
  next<Kind extends Told["kind"]>(kind: Kind): Promise<ToldAs<Kind>>;
}

export interface Behaviour {
  /** What the owner of the leg does with a message, before it is recorded. */
  readonly onMessage?: (text: string, flow: Flow, leg: Leg) => void;
  readonly onMalformed?: (text: string, status: number, flow: Flow, leg: Leg) => void;
  readonly admits?: (remote: Endpoint, transport: Transport) => boolean;
}

/** An owner of legs that writes down what they tell. */
export function recorder(behaviour: Behaviour = {}): Recorder {
  const told: Told[] = [];
  const seen = new Map<Told["kind"], number>();
  const waiting = new Set<() => void>();
  const tell = (event: Told) => {
    told.push(event);
    for (const wake of [...waiting]) wake();
  };
  return {
    told,
    events: {
      message(text, flow, leg) {
        behaviour.onMessage?.(text, flow, leg);
        tell({ kind: "message", text, flow });
      },
      malformed(text, status, reason, flow, leg) {
        behaviour.onMalformed?.(text, status, flow, leg);
        tell({ kind: "malformed", text, status, reason, flow });
      },
      flowClosed(flow) {
        tell({ kind: "closed", flow, wasAlive: flow.alive });
      },
      batchEnd: () => tell({ kind: "batch-end" }),
      fault: (error) => tell({ kind: "fault", error }),
      ...(behaviour.admits === undefined ? {} : { admits: behaviour.admits }),
    },
    next<Kind extends Told["kind"]>(kind: Kind) {
      const index = seen.get(kind) ?? 0;
      seen.set(kind, index + 1);
      return new Promise<ToldAs<Kind>>((resolve) => {
        const look = () => {
          const found = told.filter((event): event is ToldAs<Kind> => event.kind === kind)[index];
          if (found === undefined) return;
          waiting.delete(look);
          resolve(found);
        };
        waiting.add(look);
        look();
      });
    },
  };
}
