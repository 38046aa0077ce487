// A receiver of webhooks that verifies each with the npm package standardwebhooks, and tells what came as lines of JSON
// on its standard output. The secret of each path comes as a line of JSON on its standard input: {"path", "secret"}.
'use strict';

const http = require('node:http');
const readline = require('node:readline');
const { Webhook } = require('standardwebhooks');

const secrets = new Map();
const tell = (event, fields) => process.stdout.write(`${JSON.stringify({ event, ...fields })}\n`);

const server = http.createServer((request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    const body = Buffer.concat(chunks).toString('utf8');
    try {
      const verified = new Webhook(secrets.get(request.url)).verify(body, request.headers);
      tell('verified', { path: request.url, id: request.headers['webhook-id'], body: verified });
      response.writeHead(204).end();
    } catch (error) {
      tell('refused', { path: request.url, why: String(error) });
      response.writeHead(400).end();
    }
  });
});

server.listen(0, '127.0.0.1', () => tell('listening', { port: server.address().port }));

readline.createInterface({ input: process.stdin }).on('line', (line) => {
  const { path, secret } = JSON.parse(line);
  secrets.set(path, secret);
  tell('ready', { path });
}).on('close', () => process.exit(0));
