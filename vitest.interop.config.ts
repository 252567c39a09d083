import { defineConfig } from "vitest/config";

/** Real clients and servers on loopback, one file after another: they share the machine. */
export default defineConfig({
  test: {
    include: ["interop/**/*.interop.ts"],
    testTimeout: 120_000,
    hookTimeout: 60_000,
    fileParallelism: false,
  },
});
