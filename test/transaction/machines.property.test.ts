import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type InviteClientEvent,
  type InviteClientState,
  startInviteClient,
  stepInviteClient,
} from "../../src/transaction/invite-client.js";
import {
  type InviteServerEvent,
  type InviteServerState,
  startInviteServer,
  stepInviteServer,
} from "../../src/transaction/invite-server.js";
import {
  type NonInviteClientEvent,
  type NonInviteClientState,
  startNonInviteClient,
  stepNonInviteClient,
} from "../../src/transaction/non-invite-client.js";
import {
  type NonInviteServerEvent,
  type NonInviteServerState,
  startNonInviteServer,
  stepNonInviteServer,
} from "../../src/transaction/non-invite-server.js";
import { type Timers, timerTable } from "../../src/transaction/timers.js";
import { MachineDriver } from "../support/machine.js";

const { unreliable, reliable } = timerTable();

/** An event, and how long after the one before it. */
interface Moment<Event> {
  readonly afterMs: number;
  readonly event: Event;
}

function moments<Event>(events: fc.Arbitrary<Event>): fc.Arbitrary<Moment<Event>[]> {
  const moment = fc.record({ afterMs: fc.integer({ min: 0, max: 20_000 }), event: events });
  return fc.array(moment, { maxLength: 30 });
}

function play<State extends { readonly name: string }, Event>(
  machine: MachineDriver<State, Event>,
  story: readonly Moment<Event>[],
  end: Event,
): void {
  for (const { afterMs, event } of story) {
    machine.pass(afterMs);
    machine.event(event);
  }
  machine.event(end);
  machine.pass(100_000);
}

const responses = fc.record({
  kind: fc.constant("response" as const),
  status: fc.constantFrom(100, 180, 200, 202, 302, 404, 486, 603),
});
const answers = fc.record({
  kind: fc.constant("respond" as const),
  status: fc.constantFrom(180, 200, 202, 302, 404, 486, 603),
});
const error = fc.constant({ kind: "transport-error" as const });
const transports: [string, Timers][] = [
  ["unreliable", unreliable],
  ["reliable", reliable],
];

function sends(log: readonly string[]): string[] {
  return log.filter((entry) => entry.endsWith(" send"));
}

describe.each(transports)(
  "every story over an %s transport ends in Terminated, with no timer left",
  (_name, timers) => {
    test("INVITE client", () => {
      const events = fc.oneof(responses, error, fc.constant({ kind: "cancel" as const }));
      fc.assert(
        fc.property(moments<InviteClientEvent>(events), (story) => {
          const machine = new MachineDriver<InviteClientState, InviteClientEvent>(
            { start: startInviteClient, step: stepInviteClient },
            timers,
          );
          play(machine, story, { kind: "cancel" });
          expect(machine.state.name).toBe("terminated");
          expect(machine.running).toEqual([]);
          if (timers === reliable) expect(sends(machine.log)).toEqual(["0 send"]);
          const told = machine.log.filter((entry) => entry.includes("fail timeout"));
          expect(told.length).toBeLessThanOrEqual(1);
        }),
      );
    });

    test("non-INVITE client", () => {
      const events = fc.oneof(responses, error);
      fc.assert(
        fc.property(moments<NonInviteClientEvent>(events), (story) => {
          const machine = new MachineDriver<NonInviteClientState, NonInviteClientEvent>(
            { start: startNonInviteClient, step: stepNonInviteClient },
            timers,
          );
          play(machine, story, { kind: "response", status: 100 });
          expect(machine.state.name).toBe("terminated");
          expect(machine.running).toEqual([]);
          if (timers === reliable) expect(sends(machine.log)).toEqual(["0 send"]);
        }),
      );
    });

    test("INVITE server", () => {
      const events = fc.oneof(
        answers,
        error,
        fc.constant({ kind: "request" as const }),
        fc.constant({ kind: "ack" as const }),
      );
      fc.assert(
        fc.property(moments<InviteServerEvent>(events), (story) => {
          const machine = new MachineDriver<InviteServerState, InviteServerEvent>(
            { start: startInviteServer, step: stepInviteServer },
            timers,
          );
          play(machine, story, { kind: "respond", status: 500 });
          expect(machine.state.name).toBe("terminated");
          expect(machine.running).toEqual([]);
          const asked = story.filter(({ event }) => event.kind === "request").length;
          if (timers === reliable) expect(sends(machine.log).length).toBeLessThanOrEqual(asked);
        }),
      );
    });

    test("non-INVITE server", () => {
      const events = fc.oneof(answers, error, fc.constant({ kind: "request" as const }));
      fc.assert(
        fc.property(moments<NonInviteServerEvent>(events), (story) => {
          const machine = new MachineDriver<NonInviteServerState, NonInviteServerEvent>(
            { start: startNonInviteServer, step: stepNonInviteServer },
            timers,
          );
          play(machine, story, { kind: "abandon" });
          expect(machine.state.name).toBe("terminated");
          expect(machine.running).toEqual([]);
          const asked = story.filter(({ event }) => event.kind === "request").length;
          expect(sends(machine.log).length).toBeLessThanOrEqual(asked);
        }),
      );
    });
  },
);
