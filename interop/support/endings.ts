import { afterAll } from "vitest";

const endings: (() => void)[] = [];

// registered before every hook of the test file, so it runs behind them all; the runner ends its workers without an exit event
afterAll(() => {
  for (const end of endings.reverse()) end();
});

/** Does this behind the last test of the file, whatever became of the tests: the last one named is the first one done. */
export function atEnd(work: () => void): void {
  endings.push(work);
}
