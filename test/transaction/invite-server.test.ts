import { describe, expect, test } from "vitest";
import {
  type InviteServerEvent,
  type InviteServerState,
  startInviteServer,
  stepInviteServer,
} from "../../src/transaction/invite-server.js";
import { DEFAULT_TIMES, timerTable } from "../../src/transaction/timers.js";
import { MachineDriver } from "../support/machine.js";

const { unreliable, reliable } = timerTable();
const MACHINE = { start: startInviteServer, step: stepInviteServer };

function udp(timers = unreliable) {
  return new MachineDriver<InviteServerState, InviteServerEvent>(MACHINE, timers);
}

function tcp() {
  return udp(reliable);
}

function respond(status: number): InviteServerEvent {
  return { kind: "respond", status };
}

const REQUEST: InviteServerEvent = { kind: "request" };
const ACK: InviteServerEvent = { kind: "ack" };
const TRANSPORT_ERROR: InviteServerEvent = { kind: "transport-error" };

describe("RFC 3261 §17.2.1, RFC 6026 figure 7: Proceeding", () => {
  test("a 100 goes out at once", () => {
    expect(udp().log).toEqual(["0 trying"]);
  });

  test("or after 200 ms, when the user stays silent", () => {
    const machine = udp(timerTable(DEFAULT_TIMES, 200).unreliable);
    expect(machine.log).toEqual([]);
    expect(machine.pass(1000)).toEqual(["200 trying"]);
    expect(machine.state).toEqual({ name: "proceeding", waiting: false });
  });

  test.each([180, 200, 486])("and not at all when the user answers %i before", (status) => {
    const machine = udp(timerTable(DEFAULT_TIMES, 200).reliable);
    machine.event(respond(status));
    expect(machine.log).toEqual(["0 respond"]);
    expect(machine.pass(1000)).toEqual([]);
  });

  test("INVITE again: the last provisional response again", () => {
    const machine = udp();
    machine.event(REQUEST);
    expect(machine.log).toEqual(["0 trying", "0 send"]);
    expect(machine.state.name).toBe("proceeding");
  });

  test("provisional responses go out, the state stays", () => {
    const machine = udp();
    machine.event(respond(180));
    machine.event(respond(183));
    expect(machine.log).toEqual(["0 trying", "0 respond", "0 respond"]);
    expect(machine.state.name).toBe("proceeding");
    expect(machine.running).toEqual([]);
  });

  test("2xx: accepted, timer L, no retransmission", () => {
    const machine = udp();
    machine.event(respond(200));
    expect(machine.state.name).toBe("accepted");
    expect(machine.running).toEqual(["L"]);
  });

  test.each([300, 404, 600])("%i: completed, timers G and H", (status) => {
    const machine = udp();
    machine.event(respond(status));
    expect(machine.state.name).toBe("completed");
    expect(machine.running).toEqual(["G", "H"]);
  });

  test("RFC 6026 §7.1 transport error: the user is told, the state stays", () => {
    const machine = udp();
    machine.event(TRANSPORT_ERROR);
    expect(machine.log).toEqual(["0 trying", "0 fail transport"]);
    expect(machine.state.name).toBe("proceeding");
  });

  test("an ACK before any final response means nothing", () => {
    const machine = udp();
    machine.event(ACK);
    expect(machine.log).toEqual(["0 trying"]);
    expect(machine.state.name).toBe("proceeding");
  });
});

describe("Completed", () => {
  function completed(machine = udp()) {
    machine.event(respond(486));
    machine.log.length = 0;
    return machine;
  }

  test("timer G doubles up to T2, timer H ends it after 64*T1 and tells the user", () => {
    const machine = completed();
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

  test("over a reliable transport the response is sent once, and timer H runs all the same", () => {
    const machine = completed(tcp());
    expect(machine.running).toEqual(["H"]);
    expect(machine.pass(40_000)).toEqual(["32000 fail timeout"]);
  });

  test("INVITE again: the response again", () => {
    const machine = completed();
    machine.event(REQUEST);
    expect(machine.log).toEqual(["0 send"]);
  });

  test("another response of the user is discarded", () => {
    const machine = completed();
    machine.event(respond(200));
    machine.event(respond(180));
    expect(machine.log).toEqual([]);
    expect(machine.state.name).toBe("completed");
  });

  test("transport error: the user is told, the state stays", () => {
    const machine = completed();
    machine.event(TRANSPORT_ERROR);
    expect(machine.log).toEqual(["0 fail transport"]);
    expect(machine.state.name).toBe("completed");
  });

  test("ACK: confirmed; the response is sent no more; timer I of T4 ends it", () => {
    const machine = completed();
    machine.event(ACK);
    expect(machine.state.name).toBe("confirmed");
    expect(machine.running).toEqual(["I"]);
    machine.event(ACK);
    machine.event(REQUEST);
    machine.event(respond(200));
    machine.event(TRANSPORT_ERROR);
    expect(machine.pass(4_999)).toEqual([]);
    expect(machine.state.name).toBe("confirmed");
    machine.pass(1);
    expect(machine.state.name).toBe("terminated");
    expect(machine.log).toEqual([]);
  });

  test("timer I is zero over a reliable transport", () => {
    const machine = completed(tcp());
    machine.event(ACK);
    expect(machine.state.name).toBe("terminated");
    expect(machine.running).toEqual([]);
  });
});

describe("RFC 6026 §7.1: Accepted", () => {
  test("absorbs the INVITE, sends every 2xx on, hands each ACK to the user; timer L ends it", () => {
    const machine = tcp();
    machine.event(respond(200));
    machine.log.length = 0;
    machine.event(REQUEST);
    expect(machine.log).toEqual([]);
    machine.event(respond(200));
    machine.event(ACK);
    machine.event(respond(486));
    machine.event(respond(180));
    machine.event(TRANSPORT_ERROR);
    expect(machine.log).toEqual(["0 respond", "0 pass", "0 fail transport"]);
    machine.pass(31_999);
    expect(machine.state.name).toBe("accepted");
    machine.pass(1);
    expect(machine.state.name).toBe("terminated");
  });
});

test("Terminated: nothing happens any more", () => {
  const machine = tcp();
  machine.event(respond(486));
  machine.event(ACK);
  machine.log.length = 0;
  for (const event of [REQUEST, ACK, respond(200), TRANSPORT_ERROR]) machine.event(event);
  expect(machine.log).toEqual([]);
  expect(machine.state.name).toBe("terminated");
});
