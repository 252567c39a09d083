import { type Browser, chromium } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { UdpPhone } from "../test/support/udp-phone.js";
import { describeWith, findProgram } from "./support/peers.js";
import { rollcall, type ServerUnderTest, serve } from "./support/server.js";

describeWith("the status page in Chromium", ["chromium"], () => {
  let server: ServerUnderTest;
  let browser: Browser;
  let phone: UdpPhone;
  let cseq = 0;
  const register = async (user: string, expiresSec: number): Promise<void> => {
    const answer = await phone.register({
      aor: `sip:${user}@127.0.0.1`,
      contact: `sip:${user}@127.0.0.1:5099`,
      expiresSec,
      callId: user,
      cseq: ++cseq,
      lines: ["User-Agent: <b>Phone</b>"],
    });
    expect(answer.status).toBe(200);
  };
  beforeAll(async () => {
    server = await serve();
    phone = await UdpPhone.open(server.ports.udp!);
    browser = await chromium.launch({ executablePath: findProgram("chromium")!, args: ["--no-sandbox"] });
  });
  afterAll(async () => {
    phone.close();
    await browser.close();
    await server.stop();
  });

  test("shows who is registered, follows changes as they happen, and breaks no rule of its own", async () => {
    await register("alice", 300);
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

    await register("bob", 300);
    await row("bob").waitFor();
    await register("bob", 0);
    await row("bob").waitFor({ state: "detached" });
    expect((await rollcall(["remove", "alice@127.0.0.1", "--data", server.data])).status).toBe(0);

    await register("carol", 300);
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
