// A platform of its own, `smsfactory dev` on free ports, and browsers in front of it.

import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

export const freePort = () =>
  new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });

export class World {
  // With `port`, pages are under this port in the address bar, whatever the port of the server. With `clock`, the
  // server's clock stands still at this time, until `setClock` sets another one.
  static async start({ port, clock } = {}) {
    const world = new World();
    world.data = mkdtempSync(join(tmpdir(), "smsfactory-console-"));
    const environment = { ...process.env };
    if (clock) {
      world.clock = join(world.data, "clock");
      world.setClock(clock);
      // Debian's libfaketime, which tells the program another time of day, and leaves its timers alone.
      Object.assign(environment, {
        LD_PRELOAD: "/usr/$LIB/faketime/libfaketimeMT.so.1",
        FAKETIME_TIMESTAMP_FILE: world.clock,
        FAKETIME_NO_CACHE: "1",
        FAKETIME_DONT_FAKE_MONOTONIC: "1",
        TZ: "UTC",
      });
    }
    const [api, admin] = [await freePort(), await freePort()];
    world.admin = `http://127.0.0.1:${admin}`;
    world.url = `http://127.0.0.1:${port ?? admin}`;
    world.public = `http://127.0.0.1:${api}`;
    world.api = `${world.public}/api/v1/messaging`;
    const args = ["dev", "--data", world.data, "--listen", `127.0.0.1:${api}`, "--admin-listen", `127.0.0.1:${admin}`];
    world.process = spawn(process.env.SMSFACTORY_BINARY, args, { stdio: ["ignore", "pipe", "inherit"], env: environment });
    world.link = await new Promise((resolve, reject) => {
      world.said = "";
      world.process.stdout.on("data", (octets) => {
        world.said += octets;
        const found = world.said.match(/http:\S+\/console\/login\?token=\w+/);
        if (found) resolve(found[0].replace(world.admin, world.url));
      });
      world.process.on("exit", () => reject(new Error(`dev ended:\n${world.said}`)));
    });
    world.demo = JSON.parse(readFileSync(join(world.data, "demo.json"), "utf8"));
    world.token = readFileSync(join(world.data, "admin.token"), "utf8").trim();
    await world.launch(`--host-resolver-rules=MAP 127.0.0.1:${port ?? admin} 127.0.0.1:${admin}`);
    return world;
  }

  // A platform of `smsfactory serve` with these tables in its configuration: no simulator, no account, and an admin.
  static async serve(tables) {
    const world = new World();
    world.data = mkdtempSync(join(tmpdir(), "smsfactory-served-"));
    const [api, admin] = [await freePort(), await freePort()];
    world.token = "token-of-the-operator-0123456789";
    world.admin = world.url = `http://127.0.0.1:${admin}`;
    const config = `
[api]
listen = "127.0.0.1:${api}"
[admin]
listen = "127.0.0.1:${admin}"
token = "${world.token}"
[store]
url = "sqlite:${world.data}/smsfactory.db"
[media]
directory = "${world.data}/media"
[keys]
pepper = "${"p".repeat(32)}"
${tables}`;
    const file = join(world.data, "smsfactory.toml");
    writeFileSync(file, config, { mode: 0o600 });
    const output = ["ignore", "ignore", "inherit"];
    world.process = spawn(process.env.SMSFACTORY_BINARY, ["serve", "--config", file], { stdio: output });
    const isReady = () => fetch(`${world.admin}/readyz`).then(({ ok }) => ok, () => false);
    while (!(await isReady())) {
      if (world.process.exitCode !== null) throw new Error(`serve ended with ${world.process.exitCode}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await world.operate("POST", "/operators", { name: "ada", role: "admin" });
    world.link = `${world.url}/console/login?token=${(await world.operate("POST", "/operators/ada/link")).token}`;
    await world.launch();
    return world;
  }

  async launch(...args) {
    this.browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox", ...args] });
  }

  // Sets the server's clock, where it is not the machine's.
  setClock(time) {
    const text = time.toISOString().slice(0, 19).replace("T", " ");
    // In one act: it is read at every look at the clock.
    writeFileSync(`${this.clock}.next`, text);
    renameSync(`${this.clock}.next`, this.clock);
  }

  // A page in a context of its own. Violations of the policy and errors of scripts are collected in `page.wrongs`.
  async page(options = {}) {
    const context = await this.browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
    if (this.state) await context.addCookies(this.state);
    const page = await context.newPage();
    page.wrongs = [];
    await page.addInitScript(() => {
      document.addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) => {
        console.error(`violation of ${violatedDirective}: ${blockedURI}`);
      });
    });
    page.on("pageerror", (error) => page.wrongs.push(String(error)));
    page.on("console", (line) => {
      if (line.type() === "error") page.wrongs.push(line.text());
    });
    return page;
  }

  async signIn() {
    const page = await this.page();
    await page.goto(this.link);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.waitForURL(`${this.url}/console`);
    this.state = await page.context().cookies();
    return page;
  }

  // A page of another operator, who signs in with a link.
  async signInAs(name) {
    const { token } = await this.operate("POST", `/operators/${name}/link`);
    const page = await (await this.browser.newContext()).newPage();
    await page.goto(`${this.url}/console/login?token=${token}`);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.waitForURL(`${this.url}/console`);
    return page;
  }

  // Whose a message is.
  async accountOf(id) {
    return (await this.operate("GET", `/messages/${id}`)).accountId;
  }

  // A call of the admin API.
  async operate(method, path, body) {
    const headers = { Authorization: `Bearer ${this.token}`, "Content-Type": "application/json" };
    const answer = await fetch(`${this.admin}/admin/v1${path}`, { method, headers, body: body && JSON.stringify(body) });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return answer.status === 204 ? null : answer.json();
  }

  // A call of the public API by the demo account.
  async ask(method, path, body) {
    const { keyId, keySecret } = this.demo.live;
    const headers = {
      Authorization: `Basic ${Buffer.from(`${keyId}:${keySecret}`).toString("base64")}`,
      "Content-Type": "application/json",
    };
    const answer = await fetch(this.api + path, { method, headers, body: JSON.stringify(body) });
    return answer.json();
  }

  // A call of the phones.
  async phone(method, path, body) {
    const headers = { "Content-Type": "application/json" };
    const answer = await fetch(`${this.admin}/dev/${path}`, { method, headers, body: body && JSON.stringify(body) });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  }

  // A message of the demo account. `more` has further fields of the request.
  send(body, to = "+18005550199", more = {}) {
    return this.ask("POST", "/message", { to, from: this.demo.numbers[0], body, ...more });
  }

  // A webhook of the demo account at an endpoint of the test. It refuses what comes first, and keeps the ids of all.
  async hook(text) {
    const endpoint = { came: [] };
    endpoint.server = http.createServer((request, response) => {
      endpoint.came.push(request.headers["webhook-id"]);
      const status = endpoint.came.length === 1 ? 500 : 200;
      request.resume().on("end", () => response.writeHead(status).end(text));
    });
    await new Promise((resolve) => endpoint.server.listen(0, "127.0.0.1", resolve));
    this.endpoints = [...(this.endpoints ?? []), endpoint];
    const url = `http://127.0.0.1:${endpoint.server.address().port}/hook`;
    endpoint.id = (await this.ask("POST", "/webhook", { url, description: text })).id;
    return endpoint;
  }

  async stop() {
    await this.browser?.close();
    const ended = new Promise((resolve) => this.process.on("exit", resolve));
    this.process.kill("SIGTERM");
    await ended;
    for (const { server } of this.endpoints ?? []) server.closeAllConnections() ?? server.close();
    rmSync(this.data, { recursive: true });
  }
}
