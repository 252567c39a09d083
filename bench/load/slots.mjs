/**
 * A closed loop is so many slots, each with one exchange under way; an open loop starts exchanges by the clock whatever
 * the answers do. What is lost is sent again after a second and counted.
 */
const RESEND_MS = 1000;

/**
 * @param count slots
 * @param start called as start(slot): begins the next exchange, by calling `sent`
 */
export function makeSlots(count, start) {
  const texts = new Array(count).fill("");
  const sendAgain = new Array(count).fill(undefined);
  const startedAt = new Float64Array(count);
  const lastSentAt = new Float64Array(count);
  const turns = new Int32Array(count);
  const busy = new Uint8Array(count);
  const idle = [];
  const statuses = {};
  const slots = {
    count,
    turns,
    statuses,
    finished: 0,
    resent: 0,
    latencies: undefined,
    isClosed: true,
    onFinish: undefined,
    stopped: false,
  };

  /** Notes a message that is on its way, for sending again. */
  slots.sent = (slot, text, send) => {
    texts[slot] = text;
    sendAgain[slot] = send;
    lastSentAt[slot] = performance.now();
    send(text);
  };

  slots.begin = (slot) => {
    busy[slot] = 1;
    turns[slot]++;
    startedAt[slot] = performance.now();
    start(slot);
  };

  /** Is this an answer to what the slot does now, and none that came twice? */
  slots.isCurrent = (slot, turn) => slot >= 0 && slot < count && busy[slot] === 1 && turns[slot] === turn;

  slots.finish = (slot, status) => {
    busy[slot] = 0;
    statuses[status] = (statuses[status] ?? 0) + 1;
    slots.finished++;
    slots.latencies?.push(performance.now() - startedAt[slot]);
    slots.onFinish?.();
    if (slots.isClosed && !slots.stopped) slots.begin(slot);
    else idle.push(slot);
  };

  /** A slot with nothing under way, or `undefined`. */
  slots.takeIdle = () => idle.pop();

  setInterval(() => {
    const now = performance.now();
    for (let slot = 0; slot < count; slot++) {
      if (busy[slot] === 0 || now - lastSentAt[slot] < RESEND_MS) continue;
      slots.resent++;
      slots.sent(slot, texts[slot], sendAgain[slot]);
    }
  }, RESEND_MS / 4);

  slots.startAll = () => {
    slots.stopped = false;
    idle.length = 0;
    for (let slot = 0; slot < count; slot++) if (busy[slot] === 0) slots.begin(slot);
  };
  return slots;
}
