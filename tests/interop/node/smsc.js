// An SMSC made of the npm package smpp, on the port of its argument (0: any). It takes commands as lines of JSON on its
// standard input and tells what happens as lines of JSON on its standard output, so that a test in another language can
// drive it.
//
// {"id": 1, "session": 0, "command": "deliver_sm", "fields": {"short_message": {"hex": "48"}}}: delivers over the
// session of this number. Where a field is an object with `hex`, it has these octets; every other one is encoded by the
// package.
//
// Events: listening (port), bound (session, how), response (id, status), submit_sm (session, its fields), closed
// (session).
'use strict';

const readline = require('node:readline');
const smpp = require('smpp');

const sessions = [];
let nextId = 1;

const tell = (event, fields) => process.stdout.write(`${JSON.stringify({ event, ...fields })}\n`);

// What JSON cannot hold as it is.
const plain = (value) => {
  if (Buffer.isBuffer(value)) return { hex: value.toString('hex') };
  if (Array.isArray(value)) return value.map(plain);
  if (value && typeof value === 'object' && !(value instanceof Date)) {
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, plain(inner)]));
  }
  return value;
};

const octets = (value) => {
  if (Array.isArray(value)) return value.map(octets);
  if (value && typeof value === 'object') {
    if (typeof value.hex === 'string') return Buffer.from(value.hex, 'hex');
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, octets(inner)]));
  }
  return value;
};

const server = smpp.createServer((session) => {
  const bound = (pdu) => {
    const number = sessions.push(session) - 1;
    session.send(pdu.response({ system_id: 'node' }));
    session.on('close', () => tell('closed', { session: number }));
    session.on('submit_sm', (submitted) => {
      const messageId = `node-${nextId++}`;
      session.send(submitted.response({ message_id: messageId }));
      tell('submit_sm', { session: number, message_id: messageId, fields: plain(submitted) });
    });
    tell('bound', { session: number, how: pdu.command, system_id: pdu.system_id });
  };
  for (const command of ['bind_transceiver', 'bind_receiver', 'bind_transmitter']) session.on(command, bound);
  session.on('enquire_link', (pdu) => session.send(pdu.response()));
  session.on('unbind', (pdu) => {
    session.send(pdu.response());
    session.close();
  });
  session.on('error', (error) => tell('error', { message: String(error) }));
});

server.listen(Number(process.argv[2]), '127.0.0.1', () => tell('listening', { port: server.address().port }));

readline.createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, session, command, fields } = JSON.parse(line);
  const pdu = new smpp.PDU(command, octets(fields));
  sessions[session].send(pdu, (response) => tell('response', { id, status: response.command_status }));
}).on('close', () => process.exit(0));
