import { describe, expect, it } from "vitest";
import { type LogFile, logStream } from "../../src/server/log-stream.js";
import { manualClock } from "../../src/testing/clock.js";

/** A file that does what it is told, one step for each write; without a step it takes everything. */
function scripted(steps: (number | string)[]) {
  const taken: Uint8Array[] = [];
  const pending: (() => void)[] = [];
  const step = (octets: Uint8Array): number => {
    const what = steps.shift() ?? octets.length;
    if (typeof what === "string") throw Object.assign(new Error(what), { code: what });
    const written = Math.min(what, octets.length);
    taken.push(octets.slice(0, written));
    return written;
  };
  const file: LogFile = {
    write(octets, done) {
      pending.push(() => {
        try {
          done(null, step(octets));
        } catch (error) {
          done(error as NodeJS.ErrnoException, 0);
        }
      });
    },
    writeSync: step,
  };
  /** Lets what was started end, and what that starts. */
  const run = () => {
    for (let job = pending.shift(); job !== undefined; job = pending.shift()) job();
  };
  return { file, run, text: () => Buffer.concat(taken).toString("utf8") };
}

function open(...steps: (number | string)[]) {
  const clock = manualClock();
  const script = scripted(steps);
  return { ...script, clock, stream: logStream({ file: script.file, clock }) };
}

describe("lines of a log", () => {
  it("go out in order, whole", () => {
    const { stream, run, text } = open(2, 1);
    for (const line of ["a é\n", "b\n", "c\n"]) stream.write(line);
    run();
    expect(text()).toBe("a é\nb\nc\n");
  });

  it("wait for a pipe that is full", () => {
    const { stream, run, text, clock } = open("EAGAIN", "EAGAIN");
    stream.write("a\n");
    run();
    stream.write("b\n");
    for (let round = 0; round < 3; round++) {
      clock.advance(50);
      run();
    }
    expect(text()).toBe("a\nb\n");
    expect(stream.dropped).toBe(0);
  });

  it.each(["ENOSPC", "EFBIG", "EIO"])(
    "are lost while the file takes none (%s), and those after it are not",
    (code) => {
      const { stream, run, text } = open(code);
      stream.write("lost\n");
      run();
      stream.write("kept\n");
      run();
      expect(text()).toBe("kept\n");
      expect(stream.dropped).toBe(1);
    },
  );

  it("are dropped once the reader is gone", async () => {
    const { stream, run, text } = open("EPIPE");
    for (const line of ["a\n", "b\n"]) stream.write(line);
    run();
    stream.write("c\n");
    run();
    await stream.drain();
    expect(text()).toBe("");
    expect(stream.dropped).toBe(3);
  });

  it("are bounded while nobody reads", () => {
    const { stream } = open();
    const line = `${"x".repeat(1023)}\n`;
    for (let i = 0; i < 20_000; i++) stream.write(line);
    expect(stream.dropped).toBeGreaterThan(11_000);
    expect(stream.dropped).toBeLessThan(12_000);
  });
});

describe("the end of a process", () => {
  it("drain waits for what is under way", async () => {
    const { stream, run, text } = open();
    stream.write("a\n");
    const drained = stream.drain();
    run();
    await drained;
    expect(text()).toBe("a\n");
  });

  it("drain gives up on a reader that does not read", async () => {
    const { stream, clock } = open();
    stream.write("a\n");
    const drained = stream.drain();
    clock.advance(500);
    await expect(drained).resolves.toBeUndefined();
  });

  it("flush never waits for ever", () => {
    const full = Array.from({ length: 1000 }, () => "EAGAIN");
    const { stream, text } = open(...full);
    stream.write("under way\n");
    stream.write("waits\n");
    stream.flush();
    expect(text()).toBe("");
  });

  it("flush writes what waits", () => {
    const { stream, text } = open();
    stream.write("under way\n");
    stream.write("waits\n");
    stream.flush();
    expect(text()).toBe("waits\n");
  });
});
