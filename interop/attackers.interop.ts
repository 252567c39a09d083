import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { describeWith } from "./support/peers.js";
import { run } from "./support/run.js";
import { rollcall, type ServerUnderTest, serve, temporaryFolder } from "./support/server.js";

const USER = "101";
const PASSWORD = "open-sesame-9";

/** The tools of sipvicious, against a closed server that trusts nobody, loopback included. */
describeWith("B4, B7: sipvicious comes home empty", ["svwar", "svcrack", "svmap"], () => {
  const folder = temporaryFolder();
  const users = join(folder, "users.txt");
  const words = join(folder, "words.txt");
  let server: ServerUnderTest;
  let target: string[];

  beforeAll(async () => {
    const config = join(folder, "rollcall.yaml");
    writeFileSync(
      config,
      "listen: [udp:127.0.0.1:0]\nadmin: off\nopen: false\ndomains: [127.0.0.1]\nguard: { allow: [] }\n",
    );
    writeFileSync(users, ["100", USER, "102", "103"].join("\n"));
    writeFileSync(words, [...Array.from({ length: 12 }, (_, i) => `guess-${i}`), PASSWORD].join("\n"));
    const data = join(folder, "data");
    const added = await rollcall(
      ["user", "add", `${USER}@127.0.0.1`, "--password-stdin", "--data", data],
      PASSWORD,
    );
    expect(added).toMatchObject({ status: 0 });
    server = await serve({ data, args: ["--config", config] });
    target = ["-p", String(server.ports.udp), "127.0.0.1"];
  });
  afterAll(async () => {
    expect(await server.stop()).toBe(0);
  });

  it.each(["REGISTER", "INVITE", "OPTIONS"])("svwar finds no user by %s", async (method) => {
    const { output } = await run("svwar", ["--force", "-d", users, "-m", method, ...target]);
    expect(output).toContain("found nothing");
    expect(output).not.toContain("reqauth  |");
  });

  it("svcrack finds no password: after a few wrong ones none is looked at", async () => {
    const { output } = await run("svcrack", ["-u", USER, "-d", words, ...target]);
    expect(output).toContain("found nothing");
    expect(output).not.toContain(PASSWORD);
  });
});
