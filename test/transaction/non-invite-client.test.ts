import { describe, expect, test } from "vitest";
import {
  type NonInviteClientEvent,
  type NonInviteClientState,
  startNonInviteClient,
  stepNonInviteClient,
} from "../../src/transaction/non-invite-client.js";
import { timerTable } from "../../src/transaction/timers.js";
import { MachineDriver } from "../support/machine.js";

const { unreliable, reliable } = timerTable();
const MACHINE = { start: startNonInviteClient, step: stepNonInviteClient };

function udp() {
  return new MachineDriver<NonInviteClientState, NonInviteClientEvent>(MACHINE, unreliable);
}

function tcp() {
  return new MachineDriver<NonInviteClientState, NonInviteClientEvent>(MACHINE, reliable);
}

function response(status: number): NonInviteClientEvent {
  return { kind: "response", status };
}

const TRANSPORT_ERROR: NonInviteClientEvent = { kind: "transport-error" };

describe("RFC 3261 §17.1.2.2, figure 6: Trying", () => {
  test("timer E doubles up to T2, timer F ends it after 64*T1", () => {
    const machine = udp();
    expect(machine.log).toEqual(["0 send"]);
    expect(machine.pass(40_000)).toEqual([
      "500 send",
      "1500 send",
      "3500 send",
      "7500 send",
      "11500 send",
      "15500 send",
      "19500 send",
      "23500 send",
      "27500 send",
      "31500 send",
      "32000 fail timeout",
    ]);
    expect(machine.state.name).toBe("terminated");
    expect(machine.running).toEqual([]);
  });

  test("over a reliable transport it is sent once", () => {
    const machine = tcp();
    expect(machine.running).toEqual(["F"]);
    expect(machine.pass(40_000)).toEqual(["32000 fail timeout"]);
  });

  test("provisional: to the user, proceeding", () => {
    const machine = udp();
    machine.event(response(100));
    expect(machine.state.name).toBe("proceeding");
    expect(machine.log).toEqual(["0 send", "0 pass"]);
  });

  test.each([200, 404, 603])("%i: to the user, completed", (status) => {
    const machine = udp();
    machine.event(response(status));
    expect(machine.state.name).toBe("completed");
    expect(machine.log).toEqual(["0 send", "0 pass"]);
    expect(machine.running).toEqual(["K"]);
  });

  test("transport error: the user is told, terminated", () => {
    const machine = udp();
    machine.event(TRANSPORT_ERROR);
    expect(machine.log).toEqual(["0 send", "0 fail transport"]);
    expect(machine.state.name).toBe("terminated");
    expect(machine.running).toEqual([]);
  });
});

describe("Proceeding", () => {
  test("timer E goes on at T2, and timer F still ends it", () => {
    const machine = udp();
    machine.pass(600);
    machine.event(response(100));
    expect(machine.pass(40_000)).toEqual([
      "1500 send",
      "5500 send",
      "9500 send",
      "13500 send",
      "17500 send",
      "21500 send",
      "25500 send",
      "29500 send",
      "32000 fail timeout",
    ]);
    expect(machine.state.name).toBe("terminated");
  });

  test("provisional again: to the user; final: to the user, completed; transport error: told", () => {
    const machine = udp();
    machine.event(response(100));
    machine.event(response(100));
    expect(machine.log).toEqual(["0 send", "0 pass", "0 pass"]);
    machine.event(response(200));
    expect(machine.state.name).toBe("completed");
    const other = udp();
    other.event(response(100));
    other.event(TRANSPORT_ERROR);
    expect(other.log.at(-1)).toBe("0 fail transport");
    expect(other.state.name).toBe("terminated");
  });
});

describe("Completed", () => {
  test("the response again is absorbed; timer K of T4 ends it", () => {
    const machine = udp();
    machine.event(response(200));
    machine.log.length = 0;
    machine.event(response(200));
    machine.event(response(500));
    machine.event(TRANSPORT_ERROR);
    expect(machine.log).toEqual([]);
    machine.pass(4_999);
    expect(machine.state.name).toBe("completed");
    machine.pass(1);
    expect(machine.state.name).toBe("terminated");
  });

  test("timer K is zero over a reliable transport", () => {
    const machine = tcp();
    machine.event(response(200));
    expect(machine.state.name).toBe("terminated");
    expect(machine.running).toEqual([]);
  });
});

test("Terminated: nothing happens any more", () => {
  const machine = tcp();
  machine.event(response(200));
  machine.log.length = 0;
  for (const event of [response(100), response(200), TRANSPORT_ERROR]) machine.event(event);
  expect(machine.log).toEqual([]);
});
