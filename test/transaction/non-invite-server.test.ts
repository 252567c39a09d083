import { describe, expect, test } from "vitest";
import {
  type NonInviteServerEvent,
  type NonInviteServerState,
  startNonInviteServer,
  stepNonInviteServer,
} from "../../src/transaction/non-invite-server.js";
import { timerTable } from "../../src/transaction/timers.js";
import { MachineDriver } from "../support/machine.js";

const { unreliable, reliable } = timerTable();
const MACHINE = { start: startNonInviteServer, step: stepNonInviteServer };

function udp() {
  return new MachineDriver<NonInviteServerState, NonInviteServerEvent>(MACHINE, unreliable);
}

function tcp() {
  return new MachineDriver<NonInviteServerState, NonInviteServerEvent>(MACHINE, reliable);
}

function respond(status: number): NonInviteServerEvent {
  return { kind: "respond", status };
}

const REQUEST: NonInviteServerEvent = { kind: "request" };
const ABANDON: NonInviteServerEvent = { kind: "abandon" };
const TRANSPORT_ERROR: NonInviteServerEvent = { kind: "transport-error" };

describe("RFC 3261 §17.2.2, figure 8: Trying", () => {
  test("the request again is discarded", () => {
    const machine = udp();
    machine.event(REQUEST);
    expect(machine.log).toEqual([]);
    expect(machine.state.name).toBe("trying");
  });

  test("RFC 4320 §4.1: a 100 when timer E of the peer has reached T2, and no sooner", () => {
    for (const machine of [udp(), tcp()]) {
      expect(machine.pass(3_499)).toEqual([]);
      expect(machine.pass(1)).toEqual(["3500 trying"]);
      expect(machine.state.name).toBe("proceeding");
    }
  });

  test.each([100, 180, 183])("RFC 4320 §4.1: a %i of the user goes nowhere", (status) => {
    const machine = udp();
    machine.event(respond(status));
    expect(machine.log).toEqual([]);
    expect(machine.state.name).toBe("trying");
  });

  test.each([200, 404, 699])("%i: completed", (status) => {
    const machine = udp();
    machine.event(respond(status));
    expect(machine.log).toEqual(["0 respond"]);
    expect(machine.state.name).toBe("completed");
    expect(machine.running).toEqual(["J"]);
  });

  test("RFC 4320 §4.2: abandoned without an answer", () => {
    const machine = udp();
    machine.event(ABANDON);
    expect(machine.state.name).toBe("terminated");
    expect(machine.pass(40_000)).toEqual([]);
  });

  test("transport error: the user is told, terminated", () => {
    const machine = udp();
    machine.event(TRANSPORT_ERROR);
    expect(machine.log).toEqual(["0 fail transport"]);
    expect(machine.state.name).toBe("terminated");
    expect(machine.running).toEqual([]);
  });
});

describe("Proceeding", () => {
  function proceeding() {
    const machine = udp();
    machine.pass(3_500);
    machine.log.length = 0;
    return machine;
  }

  test("the request again: the 100 again", () => {
    const machine = proceeding();
    machine.event(REQUEST);
    expect(machine.log).toEqual(["3500 send"]);
  });

  test("final: completed; abandoned: terminated; transport error: told and terminated", () => {
    const answered = proceeding();
    answered.event(respond(200));
    expect(answered.state.name).toBe("completed");
    const abandoned = proceeding();
    abandoned.event(ABANDON);
    expect(abandoned.state.name).toBe("terminated");
    const broken = proceeding();
    broken.event(TRANSPORT_ERROR);
    expect(broken.log).toEqual(["3500 fail transport"]);
    expect(broken.state.name).toBe("terminated");
  });
});

describe("Completed", () => {
  test("the request again: the response again; other responses are discarded; timer J of 64*T1 ends it", () => {
    const machine = udp();
    machine.event(respond(200));
    machine.log.length = 0;
    machine.event(REQUEST);
    machine.event(respond(404));
    machine.event(ABANDON);
    expect(machine.log).toEqual(["0 send"]);
    machine.pass(31_999);
    expect(machine.state.name).toBe("completed");
    machine.pass(1);
    expect(machine.state.name).toBe("terminated");
  });

  test("transport error: the user is told, terminated", () => {
    const machine = udp();
    machine.event(respond(200));
    machine.event(TRANSPORT_ERROR);
    expect(machine.log).toEqual(["0 respond", "0 fail transport"]);
    expect(machine.state.name).toBe("terminated");
    expect(machine.running).toEqual([]);
  });

  test("timer J is zero over a reliable transport", () => {
    const machine = tcp();
    machine.event(respond(200));
    expect(machine.state.name).toBe("terminated");
    expect(machine.running).toEqual([]);
  });
});

test("Terminated: nothing happens any more", () => {
  const machine = tcp();
  machine.event(respond(200));
  machine.log.length = 0;
  for (const event of [REQUEST, respond(200), ABANDON, TRANSPORT_ERROR]) machine.event(event);
  expect(machine.log).toEqual([]);
});
