import { expect, test } from "vitest";
import { seededEntropy } from "../../src/testing/entropy.js";

test("the same seed gives the same values, another seed others", () => {
  const draw = (seed: number) => {
    const entropy = seededEntropy(seed);
    return [entropy.hex(16), entropy.hex(3), entropy.unit()];
  };
  expect(draw(7)).toEqual(draw(7));
  expect(draw(7)).not.toEqual(draw(8));
});

test("texts have two lower-case hexadecimal digits an octet, numbers lie in [0, 1)", () => {
  const entropy = seededEntropy(1);
  for (const octets of [0, 1, 4, 5, 16, 33]) {
    expect(entropy.hex(octets)).toMatch(new RegExp(`^[0-9a-f]{${octets * 2}}$`));
  }
  let sum = 0;
  for (let i = 0; i < 10_000; i++) {
    const value = entropy.unit();
    expect(value >= 0 && value < 1).toBe(true);
    sum += value;
  }
  expect(sum / 10_000).toBeGreaterThan(0.45);
  expect(sum / 10_000).toBeLessThan(0.55);
});
