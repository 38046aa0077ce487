// The console behind a real reverse proxy, nginx, that ends TLS and signs operators in.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";
import { freePort } from "./world.mjs";

const NAME = "sms.console.test";
const TOKEN = "token-of-the-operator-0123456789";
// The platform trusts this address, and no other one of this machine.
const PROXY = "127.0.0.2";

let directory;
let admin;
// Two sites of the proxy: one hands requests on, the other asks for a password first and names the operator.
let plain;
let signing;
let browser;
const running = [];

const cli = (...args) => {
  const env = { ...process.env, SMSFACTORY_ADMIN_URL: `http://127.0.0.1:${admin}`, SMSFACTORY_ADMIN_TOKEN: TOKEN };
  return execFileSync(process.env.SMSFACTORY_BINARY, args, { env, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
};

const answers = (address, options = {}) =>
  new Promise((resolve, reject) => {
    const client = address.startsWith("https:") ? https : http;
    const request = client.request(address, { rejectUnauthorized: false, ...options }, async (response) => {
      let text = "";
      for await (const octets of response) text += octets;
      resolve({ status: response.statusCode, headers: response.headers, text });
    });
    request.on("error", reject);
    request.end(options.body);
  });

const eventually = async (what, look) => {
  const deadline = Date.now() + 60_000;
  for (;;) {
    const found = await look().catch(() => null);
    if (found) return found;
    assert.ok(Date.now() < deadline, what);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
};

const start = (command, args) => {
  const child = spawn(command, args, { stdio: ["ignore", "ignore", "inherit"] });
  running.push(child);
  return child;
};

const handsOn = (operator) => `
    location / {
      proxy_pass http://127.0.0.1:${admin};
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-User ${operator};
    }`;

const nginx = () => `
daemon off;
${process.getuid() === 0 ? "user root;" : ""}
pid ${directory}/nginx.pid;
error_log stderr warn;
events {}
http {
  access_log off;
  client_body_temp_path ${directory}/body;
  proxy_temp_path ${directory}/proxy;
  fastcgi_temp_path ${directory}/fastcgi;
  uwsgi_temp_path ${directory}/uwsgi;
  scgi_temp_path ${directory}/scgi;
  ssl_certificate ${directory}/cert.pem;
  ssl_certificate_key ${directory}/key.pem;
  proxy_bind ${PROXY};
  proxy_buffering off;
  server {
    listen 127.0.0.1:${plain} ssl;
    ${handsOn('""')}
  }
  server {
    listen 127.0.0.1:${signing} ssl;
    auth_basic "Operators";
    auth_basic_user_file ${directory}/passwords;
    ${handsOn("$remote_user")}
  }
}`;

const config = (api) => `
[api]
listen = "127.0.0.1:${api}"
trusted_proxies = ["${PROXY}/32"]
[admin]
listen = "127.0.0.1:${admin}"
token = "${TOKEN}"
[console]
url = "https://${NAME}:${plain}"
proxy_header = "X-Forwarded-User"
[store]
url = "sqlite:${directory}/smsfactory.db"
[media]
directory = "${directory}/media"
[keys]
pepper = "${"p".repeat(32)}"
`;

before(async () => {
  directory = mkdtempSync(join(tmpdir(), "smsfactory-proxy-"));
  const api = await freePort();
  [admin, plain, signing] = [await freePort(), await freePort(), await freePort()];
  const made = ["-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", `/CN=${NAME}`];
  const files = ["-keyout", `${directory}/key.pem`, "-out", `${directory}/cert.pem`];
  execFileSync("openssl", ["req", ...made, ...files], { stdio: "ignore" });
  const hash = execFileSync("openssl", ["passwd", "-apr1", "her password"], { encoding: "utf8" }).trim();
  writeFileSync(`${directory}/passwords`, `ada:${hash}\nnobody:${hash}\n`);
  writeFileSync(`${directory}/nginx.conf`, nginx());
  writeFileSync(`${directory}/smsfactory.toml`, config(api), { mode: 0o600 });
  start(process.env.SMSFACTORY_BINARY, ["serve", "--config", `${directory}/smsfactory.toml`]);
  start("/usr/sbin/nginx", ["-p", directory, "-c", `${directory}/nginx.conf`]);
  await eventually("the platform is ready", async () => (await answers(`http://127.0.0.1:${admin}/readyz`)).status === 200);
  await eventually("the proxy is ready", async () => (await answers(`https://127.0.0.1:${plain}/readyz`)).status === 200);
  cli("operator", "add", "ada", "--role", "admin");
  browser = await chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: ["--no-sandbox", `--host-resolver-rules=MAP ${NAME} 127.0.0.1`],
  });
});

after(async () => {
  await browser?.close();
  for (const child of running.reverse()) {
    if (child.exitCode !== null) continue;
    child.kill("SIGTERM");
    await once(child, "exit");
  }
  rmSync(directory, { recursive: true });
});

const open = async (options = {}) => (await browser.newContext({ ignoreHTTPSErrors: true, ...options })).newPage();

test("a link leads to the proxy, and its session is a cookie for TLS and this host alone", async () => {
  const link = cli("console", "login", "--operator", "ada").trim();
  assert.ok(link.startsWith(`https://${NAME}:${plain}/console/login?token=`), link);
  const page = await open();
  await page.goto(link);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL(`https://${NAME}:${plain}/console`);
  const session = (await page.context().cookies()).find(({ name }) => name.endsWith("smsfactory-session"));
  const { name, secure, httpOnly, sameSite, domain } = session;
  const expected = { name: "__Host-smsfactory-session", secure: true, httpOnly: true, sameSite: "Strict", domain: NAME };
  assert.deepEqual({ name, secure, httpOnly, sameSite, domain }, expected);
  // A change passes: the page that sends it is the console's own, as the proxy hands it on.
  await page.goto(`https://${NAME}:${plain}/console/accounts/new`);
  await page.getByLabel("Name").fill("By way of the proxy");
  await page.getByRole("button", { name: "New account" }).click();
  await page.getByText("The account is created.").waitFor();
  const [entry] = JSON.parse(cli("audit", "list", "--path", "/accounts", "--json")).data;
  assert.deepEqual([entry.actor.name, entry.address], ["ada", "127.0.0.1"], "the address is the browser's, not the proxy's");
  await page.context().close();
});

test("an operator whom the proxy has signed in needs no other sign-in", async () => {
  const page = await open({ httpCredentials: { username: "ada", password: "her password" } });
  await page.goto(`https://${NAME}:${signing}/console`);
  await page.getByRole("heading", { name: "Overview" }).waitFor();
  await page.getByText("ada admin").waitFor();
  await page.goto(`https://${NAME}:${signing}/console/live`);
  await page.getByText("Live from node").waitFor();
  await page.context().close();
  const stranger = await open({ httpCredentials: { username: "nobody", password: "her password" } });
  await stranger.goto(`https://${NAME}:${signing}/console`);
  assert.equal(stranger.url(), `https://${NAME}:${signing}/console/sign-in`, "the proxy names nobody who is known");
  await stranger.context().close();
});

test("the header is believed from the proxy alone", async () => {
  const host = { Host: `${NAME}:${plain}` };
  const claim = { ...host, "X-Forwarded-User": "ada" };
  const direct = await answers(`http://127.0.0.1:${admin}/console`, { headers: claim });
  assert.deepEqual([direct.status, direct.headers.location], [303, "/console/sign-in"]);
  const through = await answers(`https://127.0.0.1:${plain}/console`, { headers: claim });
  assert.deepEqual([through.status, through.headers.location], [303, "/console/sign-in"], "the proxy removes it");
  const trusted = await answers(`http://127.0.0.1:${admin}/console`, { headers: claim, localAddress: PROXY });
  assert.equal(trusted.status, 200);
  const twice = { ...host, "X-Forwarded-User": ["ada", "eve"] };
  assert.equal((await answers(`http://127.0.0.1:${admin}/console`, { headers: twice, localAddress: PROXY })).status, 303);
});

test("another host and another origin are refused behind the proxy too", async () => {
  const auth = "ada:her password";
  for (const [name, status] of [[NAME, 200], ["sms.evil.test", 403], ["localhost", 200]]) {
    const options = { auth, headers: { Host: `${name}:${signing}` } };
    assert.equal((await answers(`https://127.0.0.1:${signing}/console`, options)).status, status, name);
  }
  const own = { Host: `${NAME}:${signing}`, "Content-Type": "application/x-www-form-urlencoded" };
  const page = await answers(`https://127.0.0.1:${signing}/console/accounts/new`, { auth, headers: own });
  const token = page.text.match(/name="token" value="([^"]+)"/)[1];
  const cookie = page.headers["set-cookie"].map((line) => line.split(";")[0]).join("; ");
  const send = async (lines) => {
    const headers = { ...own, Cookie: cookie, ...lines };
    const body = new URLSearchParams({ token, name: "Forged" }).toString();
    return answers(`https://127.0.0.1:${signing}/console/accounts/new`, { method: "POST", auth, headers, body });
  };
  const origin = `https://${NAME}:${signing}`;
  for (const lines of [
    {},
    { Origin: "https://evil.test" },
    { Origin: `https://${NAME}:${plain}` },
    { Origin: origin, "Sec-Fetch-Site": "cross-site" },
    { Origin: origin, Cookie: "" },
  ]) {
    assert.equal((await send(lines)).status, 403, JSON.stringify(lines));
  }
  assert.equal((await send({ Origin: origin })).status, 303, "and the console's own form passes");
  const names = JSON.parse(cli("account", "list", "--json")).data.map(({ name }) => name);
  assert.equal(names.filter((name) => name === "Forged").length, 1);
});
