import test from 'ava';
import { createProxyBypass } from '../../src/network/no-proxy.ts';

const bypassed = (list: string, host: string, port = 443): boolean => createProxyBypass(list)(host, port);

test('names cover themselves and their subdomains', (t) => {
  for (const entry of ['corp.test', '.corp.test', '*.corp.test', 'CORP.test']) {
    t.true(bypassed(entry, 'corp.test'), entry);
    t.true(bypassed(entry, 'a.corp.test'), entry);
    t.false(bypassed(entry, 'evilcorp.test'), entry);
  }
});

test('a port limits an entry', (t) => {
  t.true(bypassed('corp.test:8443', 'a.corp.test', 8443));
  t.false(bypassed('corp.test:8443', 'a.corp.test', 443));
});

test('addresses and blocks', (t) => {
  t.true(bypassed('10.0.0.0/8, fd00::/8', '10.9.8.7'));
  t.true(bypassed('10.0.0.0/8, fd00::/8', '[fd00::1]'));
  t.false(bypassed('10.0.0.0/8', '11.0.0.1'));
  t.true(bypassed('10.0.0.1', '10.0.0.1'));
  t.false(bypassed('10.0.0.0/99', '10.0.0.1'));
});

test('* is everything, loopback always, nothing else by default', (t) => {
  t.true(bypassed('*', 'a.test'));
  t.true(bypassed('', 'localhost'));
  t.true(bypassed('', '127.0.0.2'));
  t.false(bypassed('', 'a.test'));
});
