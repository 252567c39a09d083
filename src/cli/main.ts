#!/usr/bin/env node
import { processIo } from "./io.js";
import { run } from "./run.js";

// a reader that has seen enough (head, less) ends the command without a complaint
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  process.exit(error.code === "EPIPE" ? 0 : 1);
});

process.exit(await run(process.argv.slice(2), processIo()));
