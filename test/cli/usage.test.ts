import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { rollcall, temporaryFolder } from "./harness.js";

const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
  version: string;
};

test("--version", async () => {
  expect(await rollcall(["--version"])).toEqual({ status: 0, out: `${version}\n`, err: "" });
});

describe("help names every command and flag of the contract", () => {
  test.each([
    [["--help"], ["serve", "user", "dump", "show", "remove", "explain", "check"]],
    [["help"], ["serve"]],
    [
      ["serve", "--help"],
      "--config --listen --domain --data --store --open --min-expires --max-expires --default-expires --admin --tls-cert --tls-key --log-level".split(
        " ",
      ),
    ],
    [
      ["user", "--help"],
      ["add", "list", "remove", "passwd"],
    ],
    [
      ["user", "add", "--help"],
      ["<aor>", "--password", "--password-stdin", "--data", "--config"],
    ],
    [
      ["user", "list", "--help"],
      ["--json", "--data"],
    ],
    [
      ["dump", "--help"],
      ["--json", "--data", "--config"],
    ],
    [
      ["show", "--help"],
      ["<aor>", "--json", "--data"],
    ],
    [
      ["remove", "--help"],
      ["<aor>", "[contact-uri]", "--data"],
    ],
    [
      ["explain", "--help"],
      ["<aor>", "--data"],
    ],
    [["check", "--help"], ["--config"]],
  ])("%j", async (args, words) => {
    const { status, out, err } = await rollcall(args);
    expect([status, err]).toEqual([0, ""]);
    for (const word of words) expect(out).toContain(word);
  });
});

describe("bad usage is one line on stderr and status 2", () => {
  test.each([
    [["serv"], "unknown command 'serv' (Did you mean serve?)"],
    [["serve", "--lisen", "x"], "unknown option '--lisen' (Did you mean --listen?)"],
    [["serve", "--listen"], "option '--listen <uri>' argument missing"],
    [["serve", "--listen", "sctp:1.2.3.4:5"], /'sctp:1.2.3.4:5' is invalid\. .* names no transport/],
    [["serve", "--domain", "a b"], /"a b" is no domain name/],
    [["serve", "--min-expires", "-1"], /expected whole seconds, 0 to 4294967295/],
    [["serve", "--max-expires", "0"], /expected whole seconds, 1 to/],
    [["serve", "--default-expires", "1e3"], /expected whole seconds/],
    [["serve", "--min-expires", "60", "--max-expires", "50"], "expires: min (60) is above max (50)"],
    [["serve", "--admin", "nowhere"], /the port is missing/],
    [["serve", "--admin", "0.0.0.0:0"], /0\.0\.0\.0 is not loopback, so a login is needed/],
    [["serve", "--log-level", "loud"], /Allowed choices are debug, info, warn, error/],
    [["serve", "--store", "redis://127.0.0.1/0"], /not built into this version/],
    [["serve", "--store", "mysql://root:hunter2@h/d"], /unknown store/],
    [["serve", "--tls-cert", "c.pem"], "--tls-cert and --tls-key go together"],
    [["serve", "--listen", "wss:127.0.0.1:0"], /a wss: listener needs tls\.cert and tls\.key/],
    [["serve", "--config", "/nowhere/x.yaml"], "/nowhere/x.yaml: cannot be read (ENOENT)"],
    [["serve", "extra"], /too many arguments/],
    [["show"], "missing required argument 'aor'"],
    [["show", "a@b", "c"], /too many arguments/],
    [["show", "nonsense"], '"nonsense" is no address; expected alice@example.com'],
    [["explain", "nonsense"], '"nonsense" is no address; expected alice@example.com'],
    [["remove", "nonsense"], '"nonsense" is no address; expected alice@example.com'],
    [["remove", "a@b", "nonsense"], '"nonsense" is no contact URI; expected sip:alice@192.0.2.7:5060'],
    [["remove", "a@b", "<sip:a@b>"], /is no contact URI/],
    [["check"], "required option '--config <file>' not specified"],
    [["dump", "--config", "/nowhere/x.yaml"], "/nowhere/x.yaml: cannot be read (ENOENT)"],
  ])("%j", async (args, expected) => {
    const { status, out, err } = await rollcall(args);
    expect([status, out]).toEqual([2, ""]);
    expect(err).toMatch(/^rollcall: [^\n]+\n$/);
    if (typeof expected === "string") expect(err).toBe(`rollcall: ${expected}\n`);
    else expect(err).toMatch(expected);
    expect(err).not.toContain("hunter2");
  });

  test.each([[[]], [["user"]]])("%j alone shows the help on stderr", async (args) => {
    const { status, out, err } = await rollcall(args);
    expect([status, out]).toEqual([2, ""]);
    expect(err).toContain("Usage: rollcall");
  });
});

describe("check", () => {
  const folder = temporaryFolder();
  const check = (yaml: string) => {
    const file = join(folder, "c.yaml");
    writeFileSync(file, yaml);
    return rollcall(["check", "--config", file]);
  };

  test("a good file: status 0", async () => {
    expect(await check("domains: [example.com]\n")).toEqual({
      status: 0,
      out: `${folder}/c.yaml: good\n`,
      err: "",
    });
  });

  test("every problem with its line: status 2", async () => {
    const { status, out, err } = await check("domains: [example.com]\nopne: true\nexpires:\n  min: soon\n");
    expect([status, out]).toEqual([2, ""]);
    expect(err.trimEnd().split("\n")).toEqual([
      `rollcall: ${folder}/c.yaml:2: unknown key "opne"; did you mean "open"?`,
      `rollcall: ${folder}/c.yaml:4: expires.min: expected a whole number, found a text`,
    ]);
  });

  test("files that it names are looked into", async () => {
    writeFileSync(join(folder, "junk.pem"), "junk");
    writeFileSync(join(folder, "bad"), "# users\nalice:example.com:s3cret\n");
    const { status, err } = await check(
      "tls:\n  cert: junk.pem\n  key: junk.pem\n  servers:\n    - { name: a.example, cert: none.pem, key: junk.pem }\naccounts:\n  - htdigest: nobody\n  - htdigest: bad\n",
    );
    expect(status).toBe(2);
    expect(err.trimEnd().split("\n")).toEqual([
      expect.stringMatching(/c\.yaml:2: tls: .*junk\.pem and .*junk\.pem are no certificate and its key/),
      `rollcall: ${folder}/c.yaml:5: tls.servers[0].cert: ${folder}/none.pem cannot be read (ENOENT)`,
      `rollcall: ${folder}/c.yaml:7: accounts[0].htdigest: ${folder}/nobody cannot be read (ENOENT)`,
      `rollcall: ${folder}/c.yaml:8: accounts[1].htdigest: ${folder}/bad: line 2: the HA1 is neither 32 nor 64 hexadecimal digits`,
    ]);
  });
});
