import { createSocket } from "node:dgram";
import { once } from "node:events";
import { type Browser, chromium } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { describeWith, findProgram } from "./support/peers.js";
import { rollcall, type ServerUnderTest, serve } from "./support/server.js";

/** Sends one REGISTER over UDP and waits for its answer. */
async function register(port: number, user: string, expiresSec: number): Promise<string> {
  const socket = createSocket("udp4").bind(0, "127.0.0.1");
  await once(socket, "listening");
  const local = `127.0.0.1:${socket.address().port}`;
  const cseq = expiresSec === 0 ? 2 : 1;
  const request = [
    "REGISTER sip:127.0.0.1 SIP/2.0",
    `Via: SIP/2.0/UDP ${local};branch=z9hG4bK-${user}-${cseq};rport`,
    "Max-Forwards: 70",
    `From: <sip:${user}@127.0.0.1>;tag=1`,
    `To: <sip:${user}@127.0.0.1>`,
    `Call-ID: ${user}@page`,
    `CSeq: ${cseq} REGISTER`,
    `Contact: <sip:${user}@127.0.0.1:5099>`,
    `Expires: ${expiresSec}`,
    "User-Agent: <b>Phone</b>",
    "Content-Length: 0",
    "",
    "",
  ].join("\r\n");
  socket.send(Buffer.from(request, "latin1"), port, "127.0.0.1");
  const [answer] = (await once(socket, "message")) as [Buffer];
  socket.close();
  return answer.toString("latin1").split("\r\n", 1)[0]!;
}

describeWith("the status page in Chromium", ["chromium"], () => {
  let server: ServerUnderTest;
  let browser: Browser;
  beforeAll(async () => {
    server = await serve();
    browser = await chromium.launch({ executablePath: findProgram("chromium")!, args: ["--no-sandbox"] });
  });
  afterAll(async () => {
    await browser.close();
    await server.stop();
  });

  test("shows who is registered, follows changes as they happen, and breaks no rule of its own", async () => {
    const udp = server.ports.udp!;
    expect(await register(udp, "alice", 300)).toBe("SIP/2.0 200 OK");
    const page = await browser.newPage();
    const complaints: string[] = [];
    page.on("console", (message) => {
      if (message.type() === "error") complaints.push(message.text());
    });
    page.on("pageerror", (error) => complaints.push(String(error)));
    await page.goto(`http://127.0.0.1:${server.adminPort}/`);
    const row = (user: string) => page.locator("tbody tr", { hasText: `sip:${user}@127.0.0.1:5099` });
    await row("alice").waitFor();
    // a phone's texts are shown as texts
    expect(await row("alice").textContent()).toContain("<b>Phone</b>");
    await page.locator("#state.good").waitFor();

    await register(udp, "bob", 300);
    await row("bob").waitFor();
    await register(udp, "bob", 0);
    await row("bob").waitFor({ state: "detached" });
    expect((await rollcall(["remove", "alice@127.0.0.1", "--data", server.data])).status).toBe(0);

    await register(udp, "carol", 300);
    await row("carol").waitFor();
    await page.fill("#q", "nobody");
    await row("carol").waitFor({ state: "detached" });
    await page.fill("#q", "CAR");
    await row("carol").waitFor();
    await row("carol").getByRole("button").click();
    await page.locator("#story", { hasText: "registered with one contact" }).waitFor();
    expect(complaints).toEqual([]);
  });
});
