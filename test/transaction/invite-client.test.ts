import { describe, expect, test } from "vitest";
import {
  type InviteClientEvent,
  type InviteClientState,
  startInviteClient,
  stepInviteClient,
} from "../../src/transaction/invite-client.js";
import { timerTable } from "../../src/transaction/timers.js";
import { MachineDriver } from "../support/machine.js";

const { unreliable, reliable } = timerTable();
const MACHINE = { start: startInviteClient, step: stepInviteClient };

function udp() {
  return new MachineDriver<InviteClientState, InviteClientEvent>(MACHINE, unreliable);
}

function tcp() {
  return new MachineDriver<InviteClientState, InviteClientEvent>(MACHINE, reliable);
}

function response(status: number): InviteClientEvent {
  return { kind: "response", status };
}

const CANCEL: InviteClientEvent = { kind: "cancel" };
const TRANSPORT_ERROR: InviteClientEvent = { kind: "transport-error" };

describe("RFC 3261 §17.1.1.2, RFC 6026 figure 5: Calling", () => {
  test("timer A doubles without a cap, timer B ends it after 64*T1", () => {
    const machine = udp();
    expect(machine.log).toEqual(["0 send"]);
    expect(machine.pass(40_000)).toEqual([
      "500 send",
      "1500 send",
      "3500 send",
      "7500 send",
      "15500 send",
      "31500 send",
      "32000 fail timeout",
    ]);
    expect(machine.state.name).toBe("terminated");
    expect(machine.running).toEqual([]);
  });

  test("over a reliable transport it is sent once, and timer B runs all the same", () => {
    const machine = tcp();
    expect(machine.running).toEqual(["B"]);
    expect(machine.pass(40_000)).toEqual(["32000 fail timeout"]);
    expect(machine.state.name).toBe("terminated");
  });

  test.each([100, 180, 199])("%i: to the user, then no retransmission and no timer B", (status) => {
    const machine = udp();
    machine.event(response(status));
    expect(machine.state.name).toBe("proceeding");
    expect(machine.running).toEqual([]);
    expect(machine.log).toEqual(["0 send", "0 pass"]);
    expect(machine.pass(1_000_000)).toEqual([]);
  });

  test.each([200, 299])("%i: to the user, accepted, no ACK", (status) => {
    const machine = udp();
    machine.event(response(status));
    expect(machine.state.name).toBe("accepted");
    expect(machine.log).toEqual(["0 send", "0 pass"]);
    expect(machine.running).toEqual(["M"]);
  });

  test.each([300, 486, 699])("%i: ACK, to the user, completed", (status) => {
    const machine = udp();
    machine.event(response(status));
    expect(machine.state.name).toBe("completed");
    expect(machine.log).toEqual(["0 send", "0 pass", "0 ack"]);
    expect(machine.running).toEqual(["D"]);
  });

  test("transport error: the user is told, terminated", () => {
    const machine = udp();
    machine.event(TRANSPORT_ERROR);
    expect(machine.state.name).toBe("terminated");
    expect(machine.log).toEqual(["0 send", "0 fail transport"]);
    expect(machine.running).toEqual([]);
  });
});

describe("Proceeding", () => {
  function proceeding(machine = udp()) {
    machine.event(response(180));
    machine.log.length = 0;
    return machine;
  }

  test("each further provisional response goes to the user", () => {
    const machine = proceeding();
    machine.event(response(183));
    machine.event(response(180));
    expect(machine.log).toEqual(["0 pass", "0 pass"]);
    expect(machine.state.name).toBe("proceeding");
  });

  test("2xx: accepted", () => {
    const machine = proceeding();
    machine.event(response(200));
    expect(machine.state.name).toBe("accepted");
    expect(machine.log).toEqual(["0 pass"]);
  });

  test("300 to 699: ACK and completed", () => {
    const machine = proceeding();
    machine.event(response(603));
    expect(machine.state.name).toBe("completed");
    expect(machine.log).toEqual(["0 pass", "0 ack"]);
  });

  test("transport error: the user is told, terminated", () => {
    const machine = proceeding();
    machine.event(TRANSPORT_ERROR);
    expect(machine.state.name).toBe("terminated");
    expect(machine.log).toEqual(["0 fail transport"]);
  });
});

describe("Completed", () => {
  test("the response again: ACK again, not to the user; timer D of 32 s ends it", () => {
    const machine = udp();
    machine.event(response(486));
    machine.log.length = 0;
    machine.event(response(486));
    machine.event(response(500));
    expect(machine.log).toEqual(["0 ack", "0 ack"]);
    machine.pass(31_999);
    expect(machine.state.name).toBe("completed");
    machine.pass(1);
    expect(machine.state.name).toBe("terminated");
  });

  test.each([180, 200])("a late %i goes nowhere", (status) => {
    const machine = udp();
    machine.event(response(486));
    machine.log.length = 0;
    machine.event(response(status));
    expect(machine.log).toEqual([]);
    expect(machine.state.name).toBe("completed");
  });

  test("transport error of the ACK: the user is told, terminated", () => {
    const machine = udp();
    machine.event(response(486));
    machine.log.length = 0;
    machine.event(TRANSPORT_ERROR);
    expect(machine.log).toEqual(["0 fail transport"]);
    expect(machine.state.name).toBe("terminated");
    expect(machine.running).toEqual([]);
  });

  test("timer D is zero over a reliable transport: ACK, and terminated at once", () => {
    const machine = tcp();
    machine.event(response(486));
    expect(machine.log).toEqual(["0 send", "0 pass", "0 ack"]);
    expect(machine.state.name).toBe("terminated");
    expect(machine.running).toEqual([]);
  });

  test("timer D is at least 32 s, however short T1 is", () => {
    expect(timerTable({ t1Ms: 100, t2Ms: 800, t4Ms: 1000 }).unreliable.dMs).toBe(32_000);
    expect(timerTable({ t1Ms: 1000, t2Ms: 4000, t4Ms: 5000 }).unreliable.dMs).toBe(64_000);
  });
});

describe("RFC 6026 §7.2: Accepted", () => {
  test("each 2xx goes to the user, other responses nowhere; timer M of 64*T1 ends it", () => {
    const machine = tcp();
    machine.event(response(200));
    machine.log.length = 0;
    machine.event(response(200));
    machine.event(response(202));
    machine.event(response(180));
    machine.event(response(486));
    machine.event(TRANSPORT_ERROR);
    expect(machine.log).toEqual(["0 pass", "0 pass"]);
    machine.pass(31_999);
    expect(machine.state.name).toBe("accepted");
    machine.pass(1);
    expect(machine.state.name).toBe("terminated");
  });
});

describe("§9.1 CANCEL", () => {
  test("waits for a provisional response, then is sent", () => {
    const machine = udp();
    machine.event(CANCEL);
    expect(machine.log).toEqual(["0 send"]);
    expect(machine.pass(600)).toEqual(["500 send"]);
    machine.event(response(100));
    expect(machine.log).toEqual(["0 send", "500 send", "600 pass", "600 cancel"]);
  });

  test("is sent at once after one, and once only", () => {
    const machine = udp();
    machine.event(response(180));
    machine.event(CANCEL);
    machine.event(CANCEL);
    expect(machine.log).toEqual(["0 send", "0 pass", "0 cancel"]);
  });

  test("a final response without a provisional one: no CANCEL", () => {
    const machine = udp();
    machine.event(CANCEL);
    machine.event(response(486));
    machine.event(CANCEL);
    expect(machine.log).toEqual(["0 send", "0 pass", "0 ack"]);
  });

  test("no CANCEL once accepted", () => {
    const machine = udp();
    machine.event(response(200));
    machine.event(CANCEL);
    expect(machine.log).toEqual(["0 send", "0 pass"]);
  });

  test("64*T1 after it the transaction counts as cancelled", () => {
    const machine = udp();
    machine.event(response(180));
    machine.event(CANCEL);
    expect(machine.pass(32_000)).toEqual(["32000 fail timeout"]);
    expect(machine.state.name).toBe("terminated");
  });

  test.each([
    [487, "completed", ["D"]],
    [200, "accepted", ["M"]],
  ])("%i after it ends the wait", (status, name, running) => {
    const machine = udp();
    machine.event(response(180));
    machine.event(CANCEL);
    machine.event(response(status));
    expect(machine.state.name).toBe(name);
    expect(machine.running).toEqual(running);
  });

  test("transport error after it: the user is told once", () => {
    const machine = udp();
    machine.event(response(180));
    machine.event(CANCEL);
    machine.log.length = 0;
    machine.event(TRANSPORT_ERROR);
    expect(machine.pass(40_000)).toEqual([]);
    expect(machine.log).toEqual(["0 fail transport"]);
  });
});

test("Terminated: nothing happens any more", () => {
  const machine = udp();
  machine.event(TRANSPORT_ERROR);
  machine.log.length = 0;
  for (const event of [response(180), response(200), response(486), CANCEL, TRANSPORT_ERROR])
    machine.event(event);
  expect(machine.log).toEqual([]);
  expect(machine.state.name).toBe("terminated");
});
